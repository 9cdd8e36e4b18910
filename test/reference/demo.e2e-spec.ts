import { EventEmitter, once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type Browser, type Page, type Request } from 'playwright-core';
import { describeWith } from '../support/requirements.js';
import { RunningSystem } from '../support/system.js';

const CHROMIUM = process.env['CHROMIUM'] ?? '/usr/bin/chromium';

/** What a page shows, in order. */
const messagesOf = (page: Page, who: string): Promise<string[]> =>
  page.locator(`#${who}-log li`).allTextContents();

async function say(page: Page, who: string, text: string): Promise<void> {
  await page.fill(`#${who}-input`, text);
  await page.click(`#${who}-send`);
}

/** What the sockets of a page send, from now on. */
class SentFrames extends EventEmitter {
  private readonly all: string[] = [];

  constructor(page: Page) {
    super();
    page.on('websocket', (socket) => {
      socket.on('framesent', ({ payload }) => {
        this.all.push(payload.toString());
        this.emit('sent');
      });
    });
  }

  /** Resolves once each of these messages was sent a second time. */
  async again(texts: readonly string[]): Promise<void> {
    const isTwice = (text: string): boolean =>
      this.all.filter((frame) => frame.includes(JSON.stringify(text))).length >= 2;
    while (!texts.every(isTwice)) await once(this, 'sent');
  }
}

/** What the service has stored of the conversation of a request for it, in order. */
async function storedOf(history: Request): Promise<string[]> {
  const { authorization } = await history.allHeaders();
  const response = await fetch(`${history.url()}&limit=100`, { headers: { authorization: authorization! } });
  const { data } = (await response.json()) as { data: { messages: { content: string }[] } };
  return data.messages.map(({ content }) => content).toReversed();
}

async function untilBothShow(page: Page, count: number): Promise<void> {
  for (const who of ['alice', 'bob'])
    await page
      .locator(`#${who}-log li`)
      .nth(count - 1)
      .waitFor();
}

const isInstalled = existsSync(CHROMIUM);
const describeWithChromium = describeWith(isInstalled);
if (!isInstalled && !process.env['CI'])
  console.warn(`Not run: the tests in a browser. There is no ${CHROMIUM}; CHROMIUM names another one.`);

describeWithChromium('the demo page in a browser', () => {
  let folder: string;
  let browser: Browser;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'secureconnect-'));
    browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
        // Candidates with the loopback address rather than names that only a resolver on the network knows.
        '--disable-features=WebRtcHideLocalIpsWithMdns',
        '--allow-loopback-in-peer-connection',
      ],
    });
  }, 60_000);
  afterAll(async () => {
    await browser.close();
    await rm(folder, { recursive: true });
  });

  it('lets two people chat, and go on when the chat service is killed and comes back', async () => {
    await using system = await RunningSystem.start(folder);
    const page = await browser.newPage();
    const sent = new SentFrames(page);
    const readsHistory = page.waitForRequest(/\/v1\/messages\?/);
    await page.goto(`${system.url}/demo`);
    await page.locator('#alice-state', { hasText: 'open' }).waitFor();
    await page.locator('#bob-state', { hasText: 'open' }).waitFor();
    await say(page, 'alice', 'hello Bob');
    await untilBothShow(page, 1);
    await say(page, 'bob', 'hello Alice');
    await untilBothShow(page, 2);

    await system.kill('chat', 'SIGKILL');
    for (const text of ['are you there?', 'anybody?']) await say(page, 'alice', text);
    await say(page, 'bob', 'a moment');
    // For want of an echo; the gateway keeps both.
    await sent.again(['are you there?', 'anybody?', 'a moment']);
    await system.restart('chat');
    await untilBothShow(page, 5);
    await say(page, 'bob', 'here again');
    await untilBothShow(page, 6);
    await say(page, 'alice', 'welcome back');
    await untilBothShow(page, 7);

    const said = [
      'hello Bob',
      'hello Alice',
      'are you there?',
      'anybody?',
      'a moment',
      'here again',
      'welcome back',
    ];
    for (const who of ['alice', 'bob']) {
      const shown = await messagesOf(page, who);
      expect(shown.toSorted()).toEqual(said.toSorted());
      expect(shown.filter((text) => ['are you there?', 'anybody?'].includes(text))).toEqual([
        'are you there?',
        'anybody?',
      ]);
      // The socket was never closed: the page would say with which code.
      expect(await page.textContent(`#${who}-state`)).toBe('open');
    }
    const stored = await storedOf(await readsHistory);
    expect(stored.toSorted()).toEqual(said.toSorted());
    expect(system.gateway.lines.filter(({ message }) => message === 'websocket closed')).toEqual([]);
    await page.close();
  }, 60_000);

  it('brings an icon of its own, so that no browser asks for one that nobody has', async () => {
    await using system = await RunningSystem.start(folder);
    const page = await browser.newPage();
    const failed: string[] = [];
    page.on('response', (response) => {
      if (response.status() >= 400) failed.push(response.url());
    });
    await page.goto(`${system.url}/demo`);

    // As the browser loads it: under the page's own policy.
    const width = await page.evaluate<number>(`(async () => {
      const image = new Image();
      image.src = document.querySelector('link[rel=icon]').href;
      await image.decode();
      return image.width;
    })()`);

    expect(width).toBeGreaterThan(0);
    await page.locator('#alice-state', { hasText: 'open' }).waitFor();
    expect(failed).toEqual([]);
    await page.close();
  }, 60_000);

  it('connects two tabs to one another through signaling', async () => {
    await using system = await RunningSystem.start(folder);
    const context = await browser.newContext();
    const alice = await context.newPage();
    await alice.goto(`${system.url}/demo`);
    await alice.click('#call-start');
    await alice.locator('#call-link').waitFor();
    const [bob] = await Promise.all([context.waitForEvent('page'), alice.click('#call-link')]);

    for (const tab of [alice, bob]) await tab.locator('#call-state[data-state="open"]').waitFor();
    await bob.fill('#call-input', 'without the gateway');
    await bob.click('#call-send');

    await alice.locator('#call-log li', { hasText: 'without the gateway' }).waitFor();
    const log = JSON.stringify(system.gateway.lines);
    expect(log).toContain('/v1/ws/signaling');
    expect(log).not.toContain('favicon');
    expect(log).not.toMatch(/eyJ[\w-]+\.eyJ/);
    await context.close();
  }, 60_000);
});
