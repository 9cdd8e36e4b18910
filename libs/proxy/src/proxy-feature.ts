/** The upstreams whose proxies a module asks for by `ProxyModule.forFeature`. */
export class ProxyFeature {
  constructor(readonly upstreams: readonly string[]) {}
}
