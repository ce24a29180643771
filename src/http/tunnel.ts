import type { Socket } from 'node:net';
import { httpError } from './errors.ts';

/** Bytes of a proxy's answer to CONNECT. */
const MAX_ANSWER_BYTES = 16 * 1024;

/** The socket once the proxy has connected it to the host of `url` (RFC 9110 9.3.6). @throws HTTP_PROXY */
export function openTunnel(socket: Socket, url: URL, proxy: URL, opening: Set<Socket>): Promise<Socket> {
  const target = `${url.hostname}:${url.port === '' ? 443 : url.port}`;
  const authorization = proxyAuthorization(proxy);
  opening.add(socket);
  return new Promise<Socket>((resolve, reject) => {
    let answer = Buffer.alloc(0);
    const stop = (error: unknown): void => {
      release();
      socket.on('error', () => undefined).destroy();
      reject(error);
    };
    const fail = (problem: string): void => stop(httpError('HTTP_PROXY', { proxy: proxy.host, problem }));
    const onData = (chunk: Buffer): void => {
      answer = Buffer.concat([answer, chunk]);
      const end = answer.indexOf('\r\n\r\n');
      if (end < 0) {
        if (answer.length > MAX_ANSWER_BYTES) fail('sent an endless answer to CONNECT');
        return;
      }
      const status = /^HTTP\/1\.[01] (\d{3})/.exec(answer.toString('latin1', 0, 16))?.[1];
      if (status === undefined) fail('does not speak HTTP/1.1');
      else if (status === '407') fail('wants a user and password');
      else if (!status.startsWith('2')) fail(`answered ${status} to a tunnel to ${url.host}`);
      // A server in TLS waits for the client: nothing may come before.
      else if (answer.length > end + 4) fail('sent bytes before the tunnel was used');
      else {
        release();
        socket.pause();
        resolve(socket);
      }
    };
    const onClose = (): void => fail(`closed the connection instead of a tunnel to ${url.host}`);
    const release = (): void => {
      opening.delete(socket);
      socket.removeListener('data', onData).removeListener('error', stop).removeListener('close', onClose);
    };
    socket.on('data', onData).on('error', stop).on('close', onClose);
    socket.write(
      `CONNECT ${target} HTTP/1.1\r\nhost: ${target}\r\n${authorization === undefined ? '' : `proxy-authorization: ${authorization}\r\n`}\r\n`,
    );
  });
}

/** The header that a proxy's URL asks for by its user and password. */
export function proxyAuthorization(proxy: URL): string | undefined {
  if (proxy.username === '' && proxy.password === '') return undefined;
  const text = `${decode(proxy.username)}:${decode(proxy.password)}`;
  return `Basic ${Buffer.from(text).toString('base64')}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
