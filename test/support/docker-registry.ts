import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Certificates } from './certificates.ts';

/** Debian's docker-registry on a port of its own, with everything it keeps in one folder. */
export interface DockerRegistry {
  /** `127.0.0.1:43211` */
  readonly host: string;
  stop(): Promise<void>;
}

/** How it asks who is there; nobody is asked when absent. */
export type RegistryLock =
  /** `USER` with `PASSWORD`. */
  | { readonly kind: 'htpasswd' }
  /** Tokens of a server that signs them with the key of this certificate. */
  | {
      readonly kind: 'token';
      readonly realm: string;
      readonly service: string;
      readonly issuer: string;
      readonly certFile: string;
    };

export const USER = 'robot';
export const PASSWORD = 'open-sesame';
/** bcrypt of PASSWORD, as `htpasswd -B` writes it. */
const HTPASSWD = `${USER}:$2b$04$FigEGFJxo6cvIu5puZZP4ed3jv6mopaxYiUvZHLhXcXb7j235SLtu\n`;

/** Longest wait for its first word, in milliseconds. */
const LONGEST_START_MS = 30_000;

export async function startDockerRegistry(
  folder: string,
  o: { readonly lock?: RegistryLock; readonly tls?: Certificates } = {},
): Promise<DockerRegistry> {
  mkdirSync(folder, { recursive: true });
  const config = join(folder, 'config.yml');
  writeFileSync(join(folder, 'htpasswd'), HTPASSWD);
  // YAML reads JSON.
  writeFileSync(config, JSON.stringify(configOf(folder, o.lock, o.tls)));
  // It dies with the process that runs the tests, however that ends.
  const server = spawn(
    'setpriv',
    ['--pdeathsig', 'KILL', '--', '/usr/bin/docker-registry', 'serve', config],
    {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { PATH: '/usr/bin:/bin', OTEL_TRACES_EXPORTER: 'none' },
    },
  );
  return { host: await listening(server), stop: () => stop(server) };
}

function configOf(folder: string, lock: RegistryLock | undefined, tls: Certificates | undefined): object {
  const auth =
    lock === undefined
      ? {}
      : lock.kind === 'htpasswd'
        ? { auth: { htpasswd: { realm: 'test', path: join(folder, 'htpasswd') } } }
        : {
            auth: {
              token: {
                realm: lock.realm,
                service: lock.service,
                issuer: lock.issuer,
                rootcertbundle: lock.certFile,
              },
            },
          };
  const certificates = tls === undefined ? {} : { tls: { certificate: tls.certFile, key: tls.keyFile } };
  return {
    version: '0.1',
    log: { level: 'info', formatter: 'text', accesslog: { disabled: true } },
    storage: {
      filesystem: { rootdirectory: join(folder, 'data') },
      delete: { enabled: true },
      maintenance: { uploadpurging: { enabled: false } },
    },
    http: { addr: '127.0.0.1:0', secret: 'one for all', ...certificates },
    ...auth,
  };
}

/** Where it listens: it takes a free port and says which. */
async function listening(server: ChildProcess): Promise<string> {
  const said: string[] = [];
  const limit = setTimeout(() => server.kill('SIGKILL'), LONGEST_START_MS);
  const lines = createInterface(server.stderr!);
  const ended = once(server, 'close').then(() => {
    throw new Error(`docker-registry does not listen:\n${said.join('\n')}`);
  });
  const host = new Promise<string>((resolve) => {
    lines.on('line', (line) => {
      const found = /listening on ((?:\d+\.){3}\d+:\d+)/.exec(line);
      if (found !== null) resolve(found[1]!);
      else if (said.length < 50) said.push(line);
    });
  });
  try {
    return await Promise.race([host, ended]);
  } finally {
    clearTimeout(limit);
    ended.catch(() => {});
  }
}

async function stop(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill('SIGKILL');
  await ended;
}
