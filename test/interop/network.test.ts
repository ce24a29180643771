import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, importBase, type Sandbox, type Started, until } from '../support/built-command.ts';
import { pathWithout } from '../support/dobos.ts';
import { readableBuild, testUser, throughUser } from '../support/test-user.ts';

const LONG_MS = 100_000;
const PATIENT = { timeout: 240_000 };
const LASTING = { longestMs: 240_000 };
/** What the page says: the container's name for itself. */
const ID = /^[0-9a-f]{12}$/;
const SERVE = 'mkdir -p /www; hostname > /www/index.html; exec httpd -f -p 80 -h /www';
/** This Node as a program of the container, with the libraries of this machine. */
const NODE = ['-v', `${dirname(process.execPath)}:/node:ro`, '-v', '/lib:/lib:ro', '-v', '/lib64:/lib64:ro'];
const ECHO =
  "const s = require('dgram').createSocket('udp4'); s.on('message', (b, f) => s.send(b, f.port, f.address)); s.bind(53)";

let box: Sandbox;
beforeAll(async () => {
  box = createSandbox();
  await importBase(box);
});
afterAll(() => box.remove());

const told = async (...words: string[]): Promise<string> => {
  const { code, stdout, stderr } = await box.run(words);
  expect(code, `${words.join(' ')}: ${stderr}`).toBe(0);
  return stdout;
};

/** The body of a page, or what went wrong. */
function page(host: string, port: number | string): Promise<string> {
  return new Promise((resolve) => {
    const request = get({ host, port: Number(port), agent: false, timeout: 10_000 }, (response) => {
      let text = '';
      response.on('data', (bytes: Buffer) => {
        text += bytes;
      });
      response.on('end', () => resolve(text.trim()));
      // Given up in the middle: pasta may lose the end of what was asked for before anybody listened.
      response.on('error', () => {});
      response.on('close', () => resolve('cut off'));
    });
    request.on('timeout', () => request.destroy(new Error('timeout')));
    request.on('error', (error) => resolve(String((error as NodeJS.ErrnoException).code ?? error)));
  });
}

async function eventually(what: () => Promise<boolean>): Promise<boolean> {
  const began = performance.now();
  while (!(await what())) {
    if (performance.now() - began > LONG_MS) return false;
    await new Promise((resume) => setTimeout(resume, 25));
  }
  return true;
}

/** Nobody listens there any more, as soon as the machine has time for it. */
async function expectRefused(port: string): Promise<void> {
  expect(await eventually(async () => (await page('127.0.0.1', port)) === 'ECONNREFUSED')).toBe(true);
}

/** A container in the foreground of another command, once it answers. */
async function serve(name: string, ...options: string[]): Promise<Started & { readonly port: string }> {
  const run = box.start(['run', '--rm', '--name', name, ...options, 'base:1', 'sh', '-c', SERVE], LASTING);
  let port = '';
  const ready = async (): Promise<boolean> => {
    port = await portOf(box, name, '80/tcp');
    return run.child.exitCode !== null || (port !== '' && ID.test(await page('127.0.0.1', port)));
  };
  expect(await eventually(ready), name).toBe(true);
  expect(run.child.exitCode).toBe(null);
  return { ...run, port };
}

async function awaitPort(sandbox: Sandbox, name: string, port: string): Promise<string> {
  let found = '';
  const isThere = async (): Promise<boolean> => {
    found = await portOf(sandbox, name, port);
    return found !== '';
  };
  expect(await eventually(isThere), name).toBe(true);
  return found;
}

/** The port of this machine that leads to one of a container; empty while there is none. */
async function portOf(sandbox: Sandbox, name: string, port: string): Promise<string> {
  const { stdout } = await sandbox.run(['port', name]);
  const line = stdout.split('\n').find((each) => each.startsWith(`${port} -> `)) ?? '';
  return /:(\d+)$/.exec(line)?.[1] ?? '';
}

const tables = (): string => execFileSync('nft', ['list', 'tables'], { encoding: 'utf8' });
/** The rules of the container that has the address now; whoever gets it next has others. */
const tableOf = (address: string): string =>
  new RegExp(`${interfaceOf(address)}-[0-9a-f]{8}`).exec(tables())![0];
/** The interface on this machine that leads to an address. */
const interfaceOf = (address: string): string =>
  `dobos${address
    .split('.')
    .map((part) => Number(part).toString(16).padStart(2, '0'))
    .join('')}`;
const addressOf = (name: string): Promise<string> =>
  told('inspect', '--format', '{{.NetworkSettings.IPAddress}}', name).then((text) => text.trim());

describe.each(['runc', 'crun', 'chroot'])('a published port over %s', (runtime) => {
  it('is reached by every address of this machine, and from other containers', PATIENT, async () => {
    const name = `web-${runtime}`;
    const run = await serve(name, '--runtime', runtime, '-p', '80');
    const { port } = run;
    const id = (await told('ps', '-q', '--filter', `name=${name}`)).trim();
    const addresses = Object.values(networkInterfaces()).flat();
    const outside = /^(\S+)\t00000000\t/m.exec(readFileSync('/proc/net/route', 'latin1'))?.[1] ?? '';
    const own = networkInterfaces()[outside]?.find(({ family }) => family === 'IPv4');
    const six = addresses.some((each) => each?.address === '::1') ? ['::1'] : [];
    for (const host of ['127.0.0.1', 'localhost', ...six, ...(own === undefined ? [] : [own.address])])
      expect([host, await page(host, port)]).toEqual([host, id]);
    const address = await addressOf(name);
    expect(await page(address, 80)).toBe(id);
    const ask = (url: string): Promise<string> =>
      told(
        'run',
        '--rm',
        '--network',
        'bridge',
        '--runtime',
        runtime,
        'base:1',
        'wget',
        '-q',
        '-O',
        '-',
        url,
      );
    expect((await ask(`http://${address}/`)).trim()).toBe(id);
    if (own !== undefined) expect((await ask(`http://${own.address}:${port}/`)).trim()).toBe(id);

    expect(await told('ps', '--format', '{{.Ports}}', '--filter', `name=${name}`)).toMatch(
      new RegExp(`^0\\.0\\.0\\.0:${port}->80/tcp(, \\[::\\]:${port}->80/tcp)?\n$`),
    );
    expect((await told('port', name, '80')).split('\n')[0]).toBe(`0.0.0.0:${port}`);
    const settings = JSON.parse(await told('inspect', '--format', '{{json .NetworkSettings}}', name));
    expect(settings.Ports['80/tcp'][0]).toEqual({ HostIp: '0.0.0.0', HostPort: String(port) });
    expect(settings.Networks.bridge.IPAddress).toBe(address);

    expect((await box.run(['port', name, '81'])).stderr).toContain(
      `no public port '81/tcp' published for ${name}`,
    );
    const table = tableOf(address);
    run.child.kill('SIGKILL');
    await run.ended;
    // Nobody was left to clean up: the kernel did. A suite beside may have the address by now, and with it the interface's name.
    expect(await until(() => !tables().includes(table), LONG_MS)).toBe(true);
    await expectRefused(port);
    expect(await told('ps', '-aq', '--filter', `name=${name}`)).toBe('');
  });
});

describe('a container in the background', () => {
  it('keeps its ports as long as it runs, and no longer', PATIENT, async () => {
    const id = (await told('run', '-d', '--name', 'behind', '-p', '80', 'base:1', 'sh', '-c', SERVE)).trim();
    let port = await portOf(box, 'behind', '80/tcp');
    expect(await eventually(async () => (await page('localhost', port)) === id.slice(0, 12))).toBe(true);
    expect(await told('ps', '--format', '{{.Names}} {{.Ports}}', '--filter', `id=${id}`)).toContain(
      `behind 0.0.0.0:${port}->80/tcp`,
    );
    const second = await box.run(['run', '-d', '-p', `${port}:80`, 'base:1', 'sh', '-c', SERVE]);
    expect([second.code, second.stderr]).toEqual([125, expect.stringContaining('port is already allocated')]);
    const table = tableOf(await addressOf('behind'));
    await told('stop', '-t', '0', 'behind');
    await expectRefused(port);
    expect(await until(() => !tables().includes(table), LONG_MS)).toBe(true);
    expect(await told('port', 'behind')).toBe('');
    await told('start', 'behind');
    port = await portOf(box, 'behind', '80/tcp');
    expect(await eventually(async () => (await page('localhost', port)) === id.slice(0, 12))).toBe(true);
    await told('rm', '-f', 'behind');
    await expectRefused(port);
  });
});

describe.each(['runc', 'chroot'])('of an ordinary user over %s, a published port', (runtime) => {
  let build: string;
  let own: Sandbox;
  beforeAll(async () => {
    build = readableBuild();
    own = createSandbox({ user: testUser(), build, env: { DOBOS_RUNTIME: runtime } });
    await importBase(own);
  });
  afterAll(async () => {
    await own.remove();
    rmSync(build, { recursive: true, force: true });
  });

  const missing = { slirp4netns: 'pasta', pasta: 'slirp4netns' } as const;
  const programs = ['slirp4netns', ...(existsSync('/usr/bin/pasta') ? (['pasta'] as const) : [])] as const;
  it.each(programs)('leads through %s', PATIENT, async (program) => {
    const PATH = pathWithout(join(own.folder, program), [missing[program]]);
    const folder = join(own.folder, `tun-${program}`);
    mkdirSync(folder);
    const command = ['run', '--rm', '--name', 'web', '-p', '80', 'base:1', 'sh', '-c', SERVE];
    const [through = '', ...words] = throughUser(testUser(), folder);
    const run = spawn(through, [...words, process.execPath, join(build, 'dist', 'dobos.cjs'), ...command], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...own.env, PATH },
      cwd: own.folder,
    });
    const ended = once(run, 'exit');
    const port = await awaitPort(own, 'web', '80/tcp');
    for (const host of ['127.0.0.1', 'localhost'])
      expect(await eventually(async () => ID.test(await page(host, port))), host).toBe(true);
    const { stdout } = await own.run(['ps', '--format', '{{.Ports}}']);
    expect(stdout).toBe(`0.0.0.0:${port}->80/tcp\n`);
    run.kill('SIGKILL');
    await ended;
    await expectRefused(port);
    expect(await until(() => own.processes().length === 0, LONG_MS)).toBe(true);
  });

  it('is not there without it, which is said in a line', PATIENT, async () => {
    const bare = pathWithout(join(own.folder, 'bare'), ['slirp4netns', 'pasta']);
    const ran = await own.run(['run', '--rm', '-p', '8080:80', 'base:1', 'echo', 'ran'], {
      env: { PATH: bare },
    });
    expect(ran).toMatchObject({ code: 0, stdout: 'ran\n' });
    expect(ran.stderr).toMatch(
      /^dobos: warning: [^\n]*the container has the network of this machine; no port is published[^\n]*\n$/,
    );
  });
});

describe('a network of its own', () => {
  it('passes datagrams both ways', PATIENT, async () => {
    const program = ['base:1', '/node/node', '-e', ECHO];
    const run = box.start(['run', '--rm', '--name', 'echo', '-p', '53/udp', ...NODE, ...program], LASTING);
    const socket = createSocket('udp4');
    let heard = '';
    socket.on('message', (bytes) => {
      heard = String(bytes);
    });
    // A datagram that comes too early is lost: it is sent again.
    const port = await awaitPort(box, 'echo', '53/udp');
    const answered = await eventually(async () => {
      socket.send('hello', Number(port), '127.0.0.1');
      return heard === 'hello';
    });
    socket.close();
    expect(answered).toBe(true);
    expect(await told('port', 'echo')).toContain(`53/udp -> 0.0.0.0:${port}\n`);
    await told('kill', 'echo');
    await run.ended;
  });

  it('has an address, a way out, name servers, and its name in /etc/hosts', PATIENT, async () => {
    const script =
      'hostname; ip -4 -o addr show eth0; ip route; cat /etc/hosts; cat /etc/resolv.conf; cat /proc/sys/net/ipv4/ip_unprivileged_port_start';
    const text = await told('run', '--rm', '--network', 'bridge', 'base:1', 'sh', '-c', script);
    const [name = ''] = text.split('\n');
    const [, address = '', prefix] = /inet (\S+)\/(\d+) /.exec(text) ?? [];
    expect(prefix).toBe('16');
    const gateway = address.replace(/\.\d+\.\d+$/, '.0.1');
    expect(text).toContain(`default via ${gateway} dev eth0`);
    expect(text).toContain(`${address}\t${name}\n`);
    expect(text).toMatch(/^nameserver (?!127\.)\S+$/m);
    expect(text).toMatch(/\n0\n$/);
  });

  it('is not shared: containers that start at once have different addresses', PATIENT, async () => {
    const script = "ip -4 -o addr show eth0 | sed 's/.*inet \\([^/]*\\).*/\\1/'; read x";
    const runs = [1, 2, 3, 4].map(() =>
      box.start(['run', '--rm', '-i', '--network', 'bridge', 'base:1', 'sh', '-c', script], {
        input: pause(),
      }),
    );
    const said = await Promise.all(
      runs.map(async ({ child }) => {
        let text = '';
        child.stdout!.on('data', (bytes: Buffer) => {
          text += bytes;
        });
        await until(() => text.includes('\n'), LONG_MS);
        return text.trim();
      }),
    );
    for (const { child } of runs) child.kill('SIGKILL');
    await Promise.all(runs.map(({ ended }) => ended));
    expect(
      said.every((address) => /^\d+\.\d+\.\d+\.\d+$/.test(address)),
      said.join(),
    ).toBe(true);
    expect(new Set(said).size).toBe(4);
  });

  it('publishes all exposed ports with -P, those of --expose too', PATIENT, async () => {
    const run = await serve('all', '-P', '--expose', '80', '--expose', '9000-9001/udp');
    const ports = await told('port', 'all');
    for (const port of ['80/tcp', '9000/udp', '9001/udp'])
      expect(ports).toMatch(new RegExp(`^${port} -> 0\\.0\\.0\\.0:\\d+$`, 'm'));
    await told('stop', '-t', '0', 'all');
    await run.ended;
  });

  it(
    'refuses a port that is taken, as docker does, and a free one of a range is found',
    PATIENT,
    async () => {
      const server = createServer().listen(0, '0.0.0.0');
      await once(server, 'listening');
      const { port } = server.address() as { port: number };
      const ran = await box.run(['run', '--rm', '-p', `${port}:80`, 'base:1', 'true']);
      expect(ran.code).toBe(125);
      expect(ran.stderr).toContain(`bind for 0.0.0.0:${port} failed: port is already allocated`);
      const [first, last] = [Math.min(port, 65_500), Math.min(port, 65_500) + 35];
      const run = await serve('range', '-p', `${first}-${last}:80`);
      expect(await told('port', 'range', '80')).not.toContain(`:${port}\n`);
      await told('stop', '-t', '0', 'range');
      await run.ended;
      server.close();
      const elsewhere = await box.run(['run', '--rm', '-p', '203.0.113.77:8080:80', 'base:1', 'true']);
      expect([elsewhere.code, elsewhere.stderr]).toEqual([
        125,
        expect.stringContaining('203.0.113.77:8080 failed: EADDRNOTAVAIL'),
      ]);
    },
  );

  it('can be another container’s', PATIENT, async () => {
    const run = await serve('first', '-p', '80');
    const id = (await told('ps', '-q', '--filter', 'name=first')).trim();
    const ask = ['wget', '-q', '-O', '-', 'http://127.0.0.1/'];
    expect((await told('run', '--rm', '--network', 'container:first', 'base:1', ...ask)).trim()).toBe(id);
    const chroot = await told(
      'run',
      '--rm',
      '--net=container:first',
      '--runtime',
      'chroot',
      'base:1',
      ...ask,
    );
    expect(chroot.trim()).toBe(id);
    const both = await box.run([
      'run',
      '--rm',
      '--network',
      'container:first',
      '-p',
      '81:81',
      'base:1',
      'true',
    ]);
    expect([both.code, both.stderr]).toEqual([
      125,
      expect.stringContaining('conflicting options: port publishing'),
    ]);
    await told('create', '--name', 'later', '--network', 'container:first', 'base:1', ...ask);
    await told('stop', '-t', '0', 'first');
    await run.ended;
    const late = await box.run(['start', '-a', 'later']);
    expect([late.code, late.stderr]).toEqual([
      expect.any(Number),
      expect.stringContaining('cannot join the network of container'),
    ]);
    expect(late.code).not.toBe(0);
    expect((await box.run(['run', '--network', 'container:nobody', 'base:1', 'true'])).stderr).toContain(
      'no such container: nobody',
    );
  });

  it('says what is not there, and goes on', PATIENT, async () => {
    const host = await box.run([
      'run',
      '--rm',
      '--network',
      'host',
      '-p',
      '8080:80',
      'base:1',
      'echo',
      'ran',
    ]);
    expect(host).toMatchObject({ code: 0, stdout: 'ran\n' });
    expect(host.stderr).toContain('Published ports are discarded when using host network mode');
    const nothing = pathWithout(join(box.folder, 'nothing'), ['ip', 'nft', 'slirp4netns', 'pasta']);
    const shared = await box.run(['run', '--rm', '-p', '8080:80', 'base:1', 'echo', 'ran'], {
      env: { PATH: nothing },
    });
    expect(shared).toMatchObject({ code: 0, stdout: 'ran\n' });
    expect(shared.stderr).toMatch(
      /^dobos: warning: no ip \(iproute2\), slirp4netns or pasta in PATH: the container has the network of this machine; no port is published[^\n]*\n$/,
    );
    const bare = pathWithout(join(box.folder, 'bare'), ['nft']);
    const unruled = await box.run(['run', '--rm', '-p', '80', 'base:1', 'echo', 'ran'], {
      env: { PATH: bare },
    });
    expect(unruled).toMatchObject({ code: 0, stdout: 'ran\n' });
    expect(unruled.stderr).toMatch(
      /^dobos: warning: no nft in PATH: the container reaches this machine only[^\n]*\n$/,
    );
    expect((await box.run(['run', '--network', 'mine', 'base:1', 'true'])).stderr).toContain(
      'network mine not found',
    );
  });

  it('is played by slirp4netns where there is no iproute2', PATIENT, async () => {
    const bare = pathWithout(join(box.folder, 'no-ip'), ['ip', 'nft']);
    const broken = join(bare, 'slirp4netns');
    const run = box.start(['run', '--rm', '--name', 'slirp', '-p', '80', 'base:1', 'sh', '-c', SERVE], {
      ...LASTING,
      env: { PATH: bare },
    });
    const port = await awaitPort(box, 'slirp', '80/tcp');
    expect(await eventually(async () => ID.test(await page('127.0.0.1', port)))).toBe(true);
    expect(await told('inspect', '--format', '{{.NetworkSettings.IPAddress}}', 'slirp')).toBe('10.0.2.100\n');
    run.child.kill('SIGKILL');
    await run.ended;
    expect(await until(() => box.processes().length === 0, LONG_MS)).toBe(true);
    execFileSync('rm', [broken]);
    writeFileSync(broken, '#!/bin/sh\necho no tap device >&2; exit 1\n');
    chmodSync(broken, 0o755);
    const shared = await box.run(['run', '--rm', '-p', '8080:80', 'base:1', 'echo', 'ran'], {
      env: { PATH: bare },
    });
    expect(shared).toMatchObject({ code: 0, stdout: 'ran\n' });
    expect(shared.stderr).toContain(
      'slirp4netns: no tap device: the container has the network of this machine',
    );
    // A kernel without bridges.
    const ip = join(bare, 'ip');
    writeFileSync(
      ip,
      '#!/bin/sh\ncase "$*" in *route*) echo "[]";; *) echo not supported >&2; exit 2; esac\n',
    );
    chmodSync(ip, 0o755);
    const ran = (): ReturnType<Sandbox['run']> =>
      box.run(['run', '--rm', '-p', '8080:80', 'base:1', 'echo', 'ran'], { env: { PATH: bare } });
    const bridgeless = await ran();
    expect(bridgeless).toMatchObject({ code: 0, stdout: 'ran\n' });
    expect(bridgeless.stderr).toContain('no tap device: the container has the network of this machine');
    for (const name of ['slirp4netns', 'pasta']) rmSync(join(bare, name), { force: true });
    expect((await ran()).stderr).toContain(
      'no bridge can be made: not supported: the container has the network of this machine',
    );
  });
});

/** An input that stays open. */
async function* pause(): AsyncIterable<Uint8Array> {
  yield new Uint8Array(0);
  await new Promise(() => {});
}
