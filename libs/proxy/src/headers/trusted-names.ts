/** The names of a table that is written in columns; `-*` stands for any end. */
const namesOf = (table: string): readonly string[] => table.trim().split(/\s+/);

/** Users: SecureConnect, CGI, Authelia, Kubernetes, Kong, oauth2-proxy, Grafana, authentik, Pomerium, Vouch, APISIX, ... */
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
 * Who a client is and what it may do, in plain words, as services behind a gateway of their own name them. Credentials
 * (`Authorization`, `Cookie`, `X-API-Key`, `X-Auth-Token`, `X-Session-ID`, `X-Admin-Token`) and names of businesses
 * (`X-Project-ID`, `X-Client-ID`) pass, and so do plain words without `X-`: no convention gives them to a proxy.
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
 * Another method, path, host or file: IIS, Symfony, ingress controllers, Envoy, WSGI, Rack, Next.js. CGI makes
 * `HTTP_PROXY` of `Proxy`, which programs take for the proxy of their own requests (CVE-2016-5385).
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
 * Names that services and their frameworks trust to say who the client is, as an authenticating proxy would, or that make
 * them read another method, path or host than the gateway has checked. What decides is how a service can check the value: a
 * service compares a credential with what it has stored, and can only believe the name of a user or a role. They are dropped from every request, those of
 * trusted proxies too: a proxy that does not know a name passes on what a stranger wrote. `X-Forwarded-*` is here for all
 * that is not in the table of forwarding names: `X-Forwarded-User`, `-Email`, `-Groups`, `-Client-Cert`, `-Uri`, ...
 */
export const IDENTITY: readonly string[] = [
  ...USERS,
  ...PLAIN_WORDS,
  ...CERTIFICATES,
  ...OVERRIDES,
  'x-forwarded',
  'x-forwarded-*',
];

/**
 * Names by which proxies say for whom they speak. Those of trusted proxies pass. A proxy that does not know one of them
 * must clear it, as our nginx does with each.
 */
export const FORWARDING: readonly string[] = namesOf(`
  forwarded             forwarded-for            x-forwarded-port           x-forwarded-prefix
  x-real-ip             x-real-port              x-client-ip                x-client-port
  client-ip             true-client-ip           x-true-client-ip           x-remote-ip
  x-remote-addr         x-originating-ip         x-cluster-client-ip        cf-connecting-ip
  cf-connecting-ipv6    cf-pseudo-ipv4           cf-ipcountry               cf-visitor
  fastly-client-ip      fastly-ssl               fly-client-ip              do-connecting-ip
  x-azure-clientip      x-azure-socketip         x-nf-client-connection-ip  cloudfront-viewer-address
  front-end-https       x-scheme                 x-url-scheme               cloudfront-forwarded-proto
`);

/** Names that the gateway writes itself, or that undici refuses: never copied from the client. */
export const WRITTEN: readonly string[] = [
  'expect',
  'trailer',
  'x-request-id',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
];

/** Names that frame a message; a service may take another spelling for the real one. */
export const FRAMING: readonly string[] = ['content-length', 'transfer-encoding'];
