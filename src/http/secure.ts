import { isIP, type Socket } from 'node:net';
import * as tls from 'node:tls';
import { httpError } from './errors.ts';
import { ready } from './ready.ts';
import type { TlsFiles } from './types.ts';

/** TLS with `host` over the socket, with HTTP/1.1 agreed upon. */
export function overTls(
  socket: Socket,
  host: string,
  own: tls.ConnectionOptions,
  opening: Set<Socket>,
): Promise<tls.TLSSocket> {
  const servername = isIP(host) === 0 ? host : '';
  const secured = tls.connect({ socket, host, servername, ALPNProtocols: ['http/1.1'], ...own });
  return ready(secured, 'secureConnect', opening);
}

/** What a host's certificate is checked by, and what is shown to it. Reading all authorities takes 20 ms. @throws HTTP_TLS for files that cannot be used */
export function secureContextOf(to: {
  readonly url: URL;
  readonly tls: TlsFiles | undefined;
}): tls.SecureContext {
  const { ca, cert, key } = to.tls ?? {};
  try {
    return tls.createSecureContext({
      ...(ca === undefined || ca.length === 0 ? {} : { ca: [...systemCertificates(), ...ca] }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    });
  } catch (error) {
    const host = to.url.host;
    throw httpError(
      'HTTP_TLS',
      { host, trouble: 'bad-files', reason: 'its certificate or key files cannot be used' },
      { cause: error },
    );
  }
}

/** Files for a host are added to what is trusted anyway. Before Node 22.15 that leaves out NODE_EXTRA_CA_CERTS for such a host. */
function systemCertificates(): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: (kind: 'default') => string[] };
  return getCACertificates?.('default') ?? tls.rootCertificates;
}
