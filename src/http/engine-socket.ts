import { readFileSync } from 'node:fs';
import { type IncomingMessage, request as plainRequest, type RequestOptions } from 'node:http';
import { join } from 'node:path';
import { type ByteStream, collect } from '../base/bytes.ts';
import { errorMaker, systemCode } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';

type EngineErrors = {
  ENGINE_HOST: { host: string };
  ENGINE_CERTIFICATE: { file: string; why: string };
  ENGINE_UNREACHABLE: { host: string; why: string };
  ENGINE_REFUSED: { host: string; status: number; message: string };
};
const engineError = errorMaker<EngineErrors>({
  ENGINE_HOST: ({ host }) => ({
    message: `DOCKER_HOST is ${JSON.stringify(host)}, want unix:///path, tcp://host:port or http://host:port`,
    hint: host.startsWith('ssh:')
      ? 'forward the socket first: ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST, then DOCKER_HOST=unix:///tmp/docker.sock'
      : undefined,
  }),
  ENGINE_CERTIFICATE: ({ file, why }) => ({
    message: `cannot read ${file}: ${why}`,
    hint: 'DOCKER_TLS_VERIFY and https:// want ca.pem, cert.pem and key.pem in the folder that DOCKER_CERT_PATH names',
  }),
  ENGINE_UNREACHABLE: ({ host, why }) => ({
    message: `cannot ask the Docker engine at ${host}: ${why}`,
    hint: 'is it running, and may this user talk to it? DOCKER_HOST names another one',
  }),
  ENGINE_REFUSED: ({ host, status, message }) => `the Docker engine at ${host} says ${status}: ${message}`,
});

/** Where a Docker engine listens, as docker's own client reads it. */
export interface EngineSettings {
  /** `DOCKER_HOST`; the socket of this machine when empty. */
  readonly host: string | undefined;
  /** `DOCKER_TLS_VERIFY`: the engine's certificate is checked by `ca.pem` of the folder, and `cert.pem` and `key.pem` shown to it. */
  readonly verify: boolean;
  /** `DOCKER_CERT_PATH`. */
  readonly certificates: string;
}

const DEFAULT_HOST = 'unix:///var/run/docker.sock';
const MAX_MESSAGE_BYTES = 64 * 1024;

/** The body of the engine's answer to a GET, as it comes. @throws ENGINE_HOST, ENGINE_CERTIFICATE, ENGINE_UNREACHABLE, ENGINE_REFUSED */
export async function getFromEngine(
  settings: EngineSettings,
  path: string,
  o: CallOptions = {},
): Promise<ByteStream> {
  const place = placeOf(settings.host || DEFAULT_HOST, settings);
  const host = shown(settings.host || DEFAULT_HOST);
  const unreachable = (error: unknown): Error => {
    o.signal?.throwIfAborted();
    const why = WORDS[systemCode(error) ?? ''] ?? String((error as Error).message);
    return engineError('ENGINE_UNREACHABLE', { host, why }, { cause: error });
  };
  const { signal } = o;
  let answer: IncomingMessage;
  try {
    answer = await ask({ ...place, path, method: 'GET', ...(signal && { signal }) });
  } catch (error) {
    throw unreachable(error);
  }
  const status = answer.statusCode ?? 0;
  if (status !== 200) throw engineError('ENGINE_REFUSED', { host, status, message: await messageOf(answer) });
  return bodyOf(answer, unreachable);
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such socket',
  EACCES: 'this user may not',
  ECONNREFUSED: 'nobody listens there',
  ECONNRESET: 'it closed the connection',
};

type Place = RequestOptions & { readonly secure?: boolean };

async function ask({ secure, ...options }: Place): Promise<IncomingMessage> {
  const request = secure === true ? (await import('node:https')).request : plainRequest;
  return new Promise((resolve, reject) => {
    request(options, resolve).once('error', reject).end();
  });
}

/** Scheme, host and port; no user, for whom an engine has no place. */
const ADDRESS = /^(tcp|https?):\/\/(\[[0-9a-fA-F:.]+\]|[^/:@[\]]+)(?::(\d{1,5}))?\/?$/;
const MAX_PORT = 65_535;

function placeOf(host: string, { verify, certificates }: EngineSettings): Place {
  if (host.startsWith('unix://')) return { socketPath: host.slice('unix://'.length) };
  const [, scheme, name, port] = ADDRESS.exec(host) ?? [];
  if (name === undefined || Number(port ?? 1) > MAX_PORT || Number(port ?? 1) === 0)
    throw engineError('ENGINE_HOST', { host: shown(host) });
  const secure = verify || scheme === 'https';
  const place = { hostname: name.replace(/^\[|\]$/g, ''), port: port ?? (secure ? 2376 : 2375) };
  if (!secure) return place;
  const file = (base: string): Buffer => readCertificate(join(certificates, base));
  return { ...place, secure, ...{ ca: file('ca.pem'), cert: file('cert.pem'), key: file('key.pem') } };
}

function readCertificate(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const code = systemCode(error) ?? String(error);
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EACCES' ? 'this user may not' : code;
    throw engineError('ENGINE_CERTIFICATE', { file, why }, { cause: error });
  }
}

/** Without a password that somebody has written into it. */
const shown = (host: string): string => host.replace(/\/\/[^/]*@/, '//…@');

async function* bodyOf(answer: IncomingMessage, failed: (error: unknown) => Error): ByteStream {
  try {
    yield* answer as AsyncIterable<Buffer>;
  } catch (error) {
    throw failed(error);
  } finally {
    answer.destroy();
  }
}

/** What the engine says of itself: `{"message": …}`. */
async function messageOf(answer: IncomingMessage): Promise<string> {
  try {
    const text = (await collect(answer as AsyncIterable<Buffer>, MAX_MESSAGE_BYTES)).toString('utf8');
    const { message } = JSON.parse(text) as { message?: unknown };
    return typeof message === 'string' ? message : text.slice(0, 200);
  } catch {
    return 'and no reason that can be read';
  } finally {
    answer.destroy();
  }
}
