import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createSandbox, type Ran, type Sandbox } from '../support/built-command.ts';
import { makeCertificates } from '../support/certificates.ts';
import { type DockerRegistry, PASSWORD, startDockerRegistry, USER } from '../support/docker-registry.ts';

let folder: string;
let registry: DockerRegistry;
let secure: DockerRegistry;
let authority: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-login-peers-'));
  const tls = makeCertificates(join(folder, 'tls'));
  authority = tls.caFile;
  registry = await startDockerRegistry(join(folder, 'plain'), { lock: { kind: 'htpasswd' } });
  secure = await startDockerRegistry(join(folder, 'secure'), { lock: { kind: 'htpasswd' }, tls });
});
afterAll(async () => {
  await Promise.all([registry?.stop(), secure?.stop()]);
  rmSync(folder, { recursive: true, force: true });
});

let box: Sandbox;
beforeEach(() => {
  box = createSandbox({
    folder: mkdtempSync(join(folder, 'box-')),
    env: { NO_COLOR: '1' },
  });
});

const login = (host: string, password = PASSWORD, ...more: string[]): Promise<Ran> =>
  box.run(['login', '-u', USER, '--password-stdin', ...more, host], { input: Buffer.from(`${password}\n`) });
const peer = (program: string, ...args: string[]): string =>
  execFileSync(program, args, { env: box.env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
const file = (): string => join(box.env.HOME!, '.docker/config.json');

describe('login at docker-registry', () => {
  it('is kept where skopeo, podman and docker 20.10 find it, and where docker takes it away', async () => {
    expect(await login(registry.host)).toMatchObject({ code: 0, stdout: 'Login Succeeded\n' });
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    for (const program of ['/usr/bin/skopeo', '/usr/bin/podman'])
      expect(peer(program, 'login', '--get-login', registry.host)).toBe(USER);
    // Only who is logged in is told that there is no such repository.
    const listed = spawnSync(
      '/usr/bin/skopeo',
      ['list-tags', '--tls-verify=false', `docker://${registry.host}/none`],
      { env: box.env, encoding: 'utf8' },
    );
    expect(listed.stderr).toMatch(/404 \(Not Found\)/);
    expect(peer('/usr/bin/docker', 'logout', registry.host)).toContain(
      `Removing login credentials for ${registry.host}`,
    );
    expect(JSON.parse(readFileSync(file(), 'utf8')).auths).toEqual({});
    expect((await box.run(['logout', registry.host])).stdout).toBe(`Not logged in to ${registry.host}\n`);
  });

  it('is read from what skopeo wrote, and logout ends it for skopeo', async () => {
    const auth = join(box.folder, 'auth.json');
    box = createSandbox({ folder: box.folder, env: { REGISTRY_AUTH_FILE: auth } });
    peer('/usr/bin/skopeo', 'login', '--tls-verify=false', '-u', USER, '-p', PASSWORD, registry.host);
    expect(await box.run(['login', registry.host])).toMatchObject({ code: 0, stdout: 'Login Succeeded\n' });
    expect((await box.run(['logout', registry.host])).stdout).toBe(
      `Removing login credentials for ${registry.host}\n`,
    );
    expect(() => peer('/usr/bin/skopeo', 'login', '--get-login', registry.host)).toThrow(/not logged into/);
  });

  it('with a wrong password keeps nothing', async () => {
    const { code, stderr } = await login(registry.host, 'wrong-one');
    expect(code).toBe(1);
    expect(stderr).toContain('login: unauthorized: incorrect username or password');
    expect(stderr).not.toContain('wrong-one');
    expect(() => statSync(file())).toThrow('ENOENT');
  });

  it('takes a certificate of its own from the folder of the host, or none when told so', async () => {
    const refused = await login(secure.host);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/certificate/);
    expect(await login(secure.host, PASSWORD, '--tls-verify=false')).toMatchObject({ code: 0 });
    const certificates = join(box.env.HOME!, '.config/containers/certs.d', secure.host);
    mkdirSync(certificates, { recursive: true });
    writeFileSync(join(certificates, 'ca.crt'), readFileSync(authority));
    expect(await login(secure.host)).toMatchObject({ code: 0 });
  });
});

/** `login` in a pseudo terminal of Python's: each pair's second is typed once its first was seen. Says whether the terminal echoes afterwards, the exit code, and what was seen. */
function typed(...pairs: readonly (readonly [seen: string, typed: string])[]): {
  readonly echo: boolean;
  readonly code: number;
  readonly seen: string;
} {
  const script = `
import json, os, pty, sys, termios
pairs, words = json.loads(sys.argv[1]), sys.argv[2:]
pid, fd = pty.fork()
if pid == 0: os.execv(words[0], words)
seen, at = b"", 0
while True:
  try: part = os.read(fd, 65536)
  except OSError: break
  if not part: break
  seen += part
  while pairs and pairs[0][0].encode() in seen[at:]:
    at = len(seen)
    os.write(fd, pairs.pop(0)[1].encode())
flags = termios.tcgetattr(fd)[3]
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
whole = bool(flags & termios.ECHO and flags & termios.ICANON and flags & termios.ISIG)
print(json.dumps({"echo": whole, "code": code, "seen": seen.decode()}))
`;
  const words = [process.execPath, resolve('dist/dobos.cjs'), 'login', registry.host];
  const ran = spawnSync('/usr/bin/python3', ['-c', script, JSON.stringify(pairs), ...words], {
    env: box.env,
    encoding: 'utf8',
    timeout: 120_000,
  });
  return JSON.parse(ran.stdout);
}

describe('login on a terminal', () => {
  it('shows the user but not the password that is typed', () => {
    const { echo, code, seen } = typed(['Username: ', `${USER}\n`], ['Password: ', `x\u007f${PASSWORD}\n`]);
    expect([code, echo]).toEqual([0, true]);
    expect(seen).toContain('Login Succeeded');
    expect(seen).toContain(USER);
    expect(seen).not.toContain(PASSWORD);
  });
  it.each([
    ['Username: ', [['Username: ', '\u0003']]],
    [
      'Password: ',
      [
        ['Username: ', 'ann\n'],
        ['Password: ', 'secret\u0003'],
      ],
    ],
  ] as const)('ends at Ctrl-C after %s, and the terminal is whole', (_, pairs) => {
    const { echo, code, seen } = typed(...pairs);
    expect([code, echo]).toEqual([130, true]);
    expect(seen).toContain('dobos: interrupted');
    expect(seen).not.toContain('secret');
    expect(() => statSync(file())).toThrow('ENOENT');
  });
});
