import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSandbox, importBase, type Ran, type Sandbox, until } from '../support/built-command.ts';

/** What is planted, by how it is given; each is read by a step or shown to a server. */
const PLANTED = {
  file: 'f1le-9c41d7e2b6a8-planted',
  env: 'env-5be07f13ac92-planted',
  url: 'url-a83c4419d0fe-planted',
  git: 'git-61d2f0b7c35e-planted',
};
/** Stands in a layer and in the output of a step, so that the search is known to see what there is. */
const SEEN = 'seen-2f7790c4e1ab-everywhere';

let sandbox: Sandbox;
let server: Server;
let at: string;
let agent: ReturnType<typeof spawn>;
let seed: Buffer;
const asked: string[] = [];

beforeAll(async () => {
  sandbox = createSandbox();
  await importBase(sandbox);
  const git = join(sandbox.folder, 'repo');
  mkdirSync(git);
  writeFileSync(join(git, 'of-git'), 'of git\n');
  writeFileSync(join(git, 'Dockerfile'), 'FROM base:1\nCOPY of-git /\n');
  const run = (...args: readonly string[]) =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.org', ...args], { cwd: git });
  run('init', '-q', '-b', 'main');
  run('add', '-A');
  run('commit', '-q', '-m', 'x');
  run('update-server-info');
  server = createServer(({ url = '', headers }, response) => {
    asked.push(headers.authorization ?? '');
    const file = join(git, '.git', url.replace('/repo.git/', '').replace(/\?.*/, ''));
    if (headers.authorization === undefined) response.writeHead(401).end();
    else if (url === '/private') response.end('of a server\n');
    else if (existsSync(file)) response.end(readFileSync(file));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  at = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const key = join(sandbox.folder, 'key');
  execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', key]);
  seed = seedOf(readFileSync(key, 'utf8'));
  const socket = join(sandbox.folder, 'agent.sock');
  agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  expect(await until(() => existsSync(socket))).toBe(true);
  execFileSync('ssh-add', ['-q', key], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' });
});
afterAll(async () => {
  const ended = once(agent, 'exit');
  agent.kill();
  await ended;
  await new Promise((resolve) => server.close(resolve));
  await sandbox.remove();
});

/** The private half of an ed25519 key: the 32 bytes before the last copy of the public half. */
function seedOf(pem: string): Buffer {
  const bytes = Buffer.from(pem.replace(/-----.*-----/g, '').replace(/\s/g, ''), 'base64');
  const name = Buffer.from('ssh-ed25519');
  const start = bytes.indexOf(name) + name.length + 4;
  const open = bytes.subarray(start, start + 32);
  const last = bytes.lastIndexOf(open);
  return bytes.subarray(last - 32, last);
}

/** A value in every form that it might be kept in. */
function formsOf(value: Buffer): Buffer[] {
  const hash = createHash('sha256').update(value).digest();
  // Of text in the middle of another the two other alignments count; their ends mix with what is beside them.
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), value])
      .toString('base64')
      .slice(shift === 0 ? 0 : 4, -4),
  );
  return [
    value,
    hash,
    ...[value.toString('hex'), hash.toString('hex'), ...base64].map((text) => Buffer.from(text)),
  ];
}

/** The files of a folder, all of them, and what is packed in them. */
function* contentsOf(folder: string): Generator<readonly [path: string, bytes: Buffer]> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* contentsOf(path);
    else if (entry.isFile()) {
      const bytes = readFileSync(path);
      yield [path, bytes];
      if (bytes[0] === 0x1f && bytes[1] === 0x8b) yield [`${path} unpacked`, gunzipSync(bytes)];
      if (bytes.subarray(0, 4).toString('hex') === '28b52ffd')
        yield [`${path} unpacked`, execFileSync('zstd', ['-dcq', path], { maxBuffer: 1 << 28 })];
    }
  }
}

const DOCKERFILE = (place: string): string => `FROM base:1 AS build
RUN --mount=type=secret,id=file --mount=type=secret,id=env,env=VALUE,target=/tok \\
  test -s /run/secrets/file && [ "$(cat /tok)" = "$VALUE" ] && echo ${SEEN} && echo ${SEEN} > /seen
RUN --mount=type=ssh test -S $SSH_AUTH_SOCK && echo has an agent
ADD http://${place}/private /private
ADD http://${place}/repo.git#main /git
FROM base:1
COPY --from=build /seen /private /git /all/
`;

it('nothing of a secret is in the store, the logs, the cache that is written or what is put out', async () => {
  const context = join(sandbox.folder, 'context');
  mkdirSync(context);
  writeFileSync(join(context, 'Dockerfile'), DOCKERFILE(at));
  writeFileSync(join(sandbox.folder, 'secret-file'), PLANTED.file);
  const [cache, out] = [join(sandbox.folder, 'cache'), join(sandbox.folder, 'out')];
  const env = { VALUE_HERE: PLANTED.env, URL_TOKEN: PLANTED.url, GIT_AUTH_TOKEN: PLANTED.git };
  const options = [
    ...['--secret', `id=file,src=${join(sandbox.folder, 'secret-file')}`],
    ...['--secret', 'id=env,env=VALUE_HERE', '--secret', `id=HTTP_AUTH_TOKEN_${at},env=URL_TOKEN`],
    ...['--secret', 'id=GIT_AUTH_TOKEN', '--ssh', `default=${join(sandbox.folder, 'agent.sock')}`],
  ];
  const build = (...more: readonly string[]): Promise<Ran> =>
    sandbox.run(['build', '--explain', ...options, ...more, context], { env });
  const logs: Ran[] = [
    await build(
      ...['--progress', 'plain', '-t', 'app', '--cache-to', `type=local,dest=${cache},mode=max`],
      ...['-o', `type=oci,dest=${join(out, 'gzip')},tar=false,compression=gzip`],
      ...['-o', `type=oci,dest=${join(out, 'zstd')},tar=false,compression=zstd`],
    ),
    await build('--progress', 'rawjson', '--no-cache', '--metadata-file', join(sandbox.folder, 'metadata')),
    // The same secret opens a repository that is the context.
    await sandbox.run(['build', '--progress', 'plain', ...options, `http://${at}/repo.git`], { env }),
  ];
  for (const { code, stderr } of logs) expect(code, stderr).toBe(0);
  const broken = join(sandbox.folder, 'broken');
  mkdirSync(broken);
  writeFileSync(
    join(broken, 'Dockerfile'),
    `FROM base:1\nRUN --mount=type=secret,id=file,required test ! -s /run/secrets/file\n`,
  );
  const failed = await sandbox.run(['build', ...options, broken], { env });
  expect(failed.code).toBe(1);
  expect(new Set(asked)).toEqual(
    new Set([
      `Bearer ${PLANTED.url}`,
      `basic ${Buffer.from(`x-access-token:${PLANTED.git}`).toString('base64')}`,
    ]),
  );

  const places: (readonly [path: string, bytes: Buffer])[] = [sandbox.store, cache, out].flatMap((folder) => [
    ...contentsOf(folder),
  ]);
  places.push(['metadata', readFileSync(join(sandbox.folder, 'metadata'))]);
  for (const [index, { stdout, stderr }] of [...logs, failed].entries())
    places.push([`log ${index}`, Buffer.from(stdout + stderr)]);
  const holding = (what: Buffer): string[] =>
    places.flatMap(([path, bytes]) => (bytes.includes(what) ? [path.replace(sandbox.folder, '')] : []));

  const seen = holding(Buffer.from(SEEN)).join('\n');
  for (const where of ['/store/blobs', '/cache/blobs', '/out/gzip/', '/out/zstd/', 'log 0'])
    expect(seen).toContain(where);
  expect(holding(Buffer.from(Buffer.from(SEEN).toString('base64').slice(0, 30)))).toEqual(['log 1']);

  const values = [...Object.values(PLANTED).map((text) => Buffer.from(text)), seed];
  expect(values.flatMap((value) => formsOf(value).flatMap(holding))).toEqual([]);
});
