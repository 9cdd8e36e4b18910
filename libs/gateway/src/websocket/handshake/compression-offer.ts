import { parseExtensions, type ExtensionOffers } from '../../http/ws-internals.js';
import { RouteTableConfigurationError, type WebSocketCompression } from '@app/proxy/internal';
import { MessageCompression, type CompressionLimits } from './message-compression.js';

const NAME = 'permessage-deflate';

/** Smallest window that zlib makes for raw deflate, and the largest (RFC 7692, section 7.1.2). */
const [MIN_WINDOW_BITS, MAX_WINDOW_BITS] = [9, 15];

const DEFAULTS = { windowBits: 13, thresholdBytes: 1_024, ratioLimit: 100 };

/** Values of the window parameters: 8 to 15, without leading zeros. */
const WINDOW_BITS = /^(?:[89]|1[0-5])$/;

/** The extension that a client's offer and a route agree on. */
export interface AgreedCompression {
  /** The value of `Sec-WebSocket-Extensions`. */
  readonly header: string;
  readonly codec: MessageCompression;
}

/** Agrees with clients on permessage-deflate without context takeover in either direction, for one route. */
export class RouteCompression {
  private readonly limits: CompressionLimits;
  /** One for each size of the window. */
  private readonly codecs: ReadonlyMap<number, MessageCompression>;

  /**
   * @param where names the route in errors
   * @throws RouteTableConfigurationError if an option is out of its range
   */
  constructor(options: WebSocketCompression, messageLimitBytes: number, where: string) {
    const limits = (this.limits = { ...DEFAULTS, ...options, messageLimitBytes });
    const check = (name: keyof WebSocketCompression, least: number, most: number): void => {
      const value = limits[name];
      if (Number.isInteger(value) && value >= least && value <= most) return;
      throw new RouteTableConfigurationError(
        `${where} has a compression.${name} that is not from ${least} to ${most}`,
      );
    };
    check('windowBits', MIN_WINDOW_BITS, MAX_WINDOW_BITS);
    check('thresholdBytes', 0, messageLimitBytes);
    check('ratioLimit', 1, 1_100);
    const codecs = new Map<number, MessageCompression>();
    for (let windowBits = MIN_WINDOW_BITS; windowBits <= limits.windowBits; windowBits++) {
      codecs.set(windowBits, new MessageCompression({ ...limits, windowBits }));
    }
    this.codecs = codecs;
  }

  /**
   * Chooses the first offer that the gateway can keep (RFC 7692, section 5).
   * @param header `Sec-WebSocket-Extensions` of the client @returns undefined if there is none: then nothing is compressed
   */
  agree(header: string | undefined): AgreedCompression | undefined {
    for (const offer of offersIn(header)) {
      const agreed = this.accept(offer);
      if (agreed) return agreed;
    }
    return undefined;
  }

  private accept(offer: ExtensionOffers[number]): AgreedCompression | undefined {
    let header = `${NAME}; server_no_context_takeover; client_no_context_takeover`;
    let { windowBits } = this.limits;
    for (const [name, [value, ...others]] of Object.entries(offer)) {
      if (others.length > 0 || !isValid(name, value!)) return undefined;
      if (name !== 'server_max_window_bits') continue;
      windowBits = Math.min(windowBits, Number(value));
      header += `; ${name}=${windowBits}`;
    }
    const codec = this.codecs.get(windowBits);
    return codec && { header, codec };
  }
}

/** Whether a parameter is one of RFC 7692, section 7.1, with a value that it may have. */
function isValid(name: string, value: string | true): boolean {
  switch (name) {
    case 'server_no_context_takeover':
    case 'client_no_context_takeover':
      return value === true;
    case 'client_max_window_bits':
      return value === true || WINDOW_BITS.test(value);
    case 'server_max_window_bits':
      return value !== true && WINDOW_BITS.test(value);
    default:
      return false;
  }
}

function offersIn(header: string | undefined): ExtensionOffers {
  if (header === undefined) return [];
  try {
    return parseExtensions(header)[NAME] ?? [];
  } catch {
    return [];
  }
}
