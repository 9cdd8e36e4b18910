/** Reads a table of names in columns; `-*` stands for any end. */
const namesOf = (table: string): readonly string[] => table.trim().split(/\s+/);

/** Users, as set by CGI, Authelia, Kubernetes, Kong, oauth2-proxy, Grafana, authentik, Pomerium, Vouch, APISIX, ... */
const USERS = namesOf(`
  x-user-*              remote-*                 x-remote-*                 x-authenticated-*
  x-auth-request-*      x-auth-user              x-auth-user-*              x-auth-userid
  x-auth-username       x-auth-name              x-auth-email               x-auth-groups
  x-auth-roles          x-auth-subject           x-webauth-*                x-authentik-*
  x-pomerium-*          x-vouch-*                x-consumer-*               x-credential-*
  x-anonymous-consumer  x-userinfo               x-token-subject            x-jwt-assertion
  x-jwt-claim-*         x-jwt-payload            x-proxy-*                  x-sso-*
  x-saml-*              x-oidc-*                 oidc-*                     mellon-*
  shib-*                sm-*                     iv-*                       tailscale-*
  cf-access-*           x-goog-authenticated-*   x-goog-iap-*               x-endpoint-api-userinfo
  x-appengine-*         x-amzn-oidc-*            x-apigateway-api-userinfo  x-ms-client-principal
  x-ms-token-*          x-ms-client-principal-*
`);

/**
 * Identity and permissions of a client in plain words, as private gateways name them. Credentials (`Authorization`,
 * `Cookie`, `X-API-Key`, `X-Auth-Token`, `X-Session-ID`, `X-Admin-Token`) and business names (`X-Project-ID`,
 * `X-Client-ID`) pass, and so do plain words without `X-`: by no convention does a proxy set them.
 */
const PLAIN_WORDS = namesOf(`
  x-user                x-userid                 x-username                 x-useremail
  x-userrole            x-userroles              x-uid                      x-login
  x-email               x-email-address          x-current-user             x-current-user-*
  x-logged-in-user      x-logged-in-user-*       x-account                  x-account-id
  x-account-name        x-accountid              x-customer-id              x-customerid
  x-tenant              x-tenant-*               x-tenantid                 x-org-id
  x-orgid               x-organization-id        x-organisation-id          x-scope-orgid
  x-subject             x-subject-id             x-sub                      x-principal
  x-principal-*         x-identity               x-identity-*               x-authenticated
  x-auth-id             x-auth-uid               x-auth-sub                 x-auth-role
  x-auth-scopes         x-auth-permissions       x-auth-claims              x-auth-principal
  x-auth-tenant         x-auth-tenant-id         x-auth-account-id          x-claims
  x-claim-*             x-jwt-sub                x-jwt-subject              x-jwt-claims
  x-token-sub           x-token-claims           x-role                     x-role-*
  x-roles               x-group                  x-groups                   x-group-id
  x-scope               x-scopes                 x-permission               x-permissions
  x-authorities         x-privileges             x-admin                    x-is-admin
  x-isadmin             x-is-superuser           x-superuser                x-is-authenticated
`);

/** Certificates of clients, as nginx, Apache, HAProxy, Traefik, Azure, Amazon and RFC 9440 name them. */
const CERTIFICATES = namesOf(`
  x-ssl-*               ssl-client-*             x-tls-*                    x-amzn-mtls-*
  x-client-cert         x-client-cert-*          x-client-certificate       x-arr-*
  x-client-dn           x-client-verify          x-client-subject           client-cert
  client-cert-*
`);

/**
 * Another method, path, host or file: IIS, Symfony, ingress controllers, Envoy, WSGI, Rack, Next.js. CGI turns `Proxy` into
 * the variable `HTTP_PROXY`, by which programs choose the proxy of their own requests (CVE-2016-5385).
 */
const OVERRIDES = namesOf(`
  x-http-method         x-http-method-override   x-method-override          x-http-host-override
  x-http-path-override  x-http-destinationurl    x-original-*               x-rewrite-*
  x-override-*          x-request-uri            x-request-url              x-host
  x-host-override       script-name              x-script-name              path-info
  x-path-info           x-envoy-*                x-accel-*                  x-sendfile
  x-sendfile-*          x-middleware-*           proxy
`);

/**
 * Identity and override names. Services and their frameworks trust them for who the client is, as if an authenticating proxy
 * had set them, or for another method, path or host than the gateway has checked. Credentials are not among them: a service
 * can check a credential, but must believe the name of a user or a role.
 *
 * They are dropped from every request, also from trusted proxies: a proxy that does not know a name passes on the value of a
 * stranger. `X-Forwarded-*` covers names that are not forwarding names: `X-Forwarded-User`, `-Email`, `-Groups`,
 * `-Client-Cert`, `-Uri`, ...
 */
export const IDENTITY: readonly string[] = [
  ...USERS,
  ...PLAIN_WORDS,
  ...CERTIFICATES,
  ...OVERRIDES,
  'x-forwarded',
  'x-forwarded-*',
];

/** Names that look like identity, and say nothing of who the client is: gRPC-web's name of the client's library. */
export const ORDINARY: ReadonlySet<string> = new Set(['x-user-agent']);

/**
 * Names by which proxies give the client's address and the original request. They pass from trusted proxies alone. A trusted
 * proxy must clear each name that it does not set, as the nginx of this repository does.
 */
export const FORWARDING: readonly string[] = namesOf(`
  forwarded             forwarded-for            x-forwarded-prefix         x-real-ip
  x-real-port                        x-client-ip                x-client-port
  client-ip             true-client-ip           x-true-client-ip           x-remote-ip
  x-remote-addr         x-originating-ip         x-cluster-client-ip        cf-connecting-ip
  cf-connecting-ipv6    cf-pseudo-ipv4           cf-ipcountry               cf-visitor
  fastly-client-ip      fastly-ssl               fly-client-ip              do-connecting-ip
  x-azure-clientip      x-azure-socketip         x-nf-client-connection-ip  cloudfront-viewer-address
  front-end-https       x-scheme                 x-url-scheme               cloudfront-forwarded-proto
`);

/** Names that the gateway writes itself, or that are for itself; never copied from the client. */
export const WRITTEN: readonly string[] = [
  'expect',
  'trailer',
  'x-request-id',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-port',
];

/** Names that frame a message. Another spelling is dropped: a service may read it as the real one. */
export const FRAMING: readonly string[] = ['content-length', 'transfer-encoding'];
