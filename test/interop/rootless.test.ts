import { execFileSync } from 'node:child_process';
import { chmodSync, lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { debianBase } from '../../scripts/debian-base.ts';
import { busyboxRoot } from '../support/built-command.ts';
import { type Dobos, dobosFor } from '../support/dobos.ts';
import { buildHelloC, GREETING, withoutVarying } from '../support/hello-c.ts';
import { readableBuild } from '../support/test-user.ts';
import { differences, readTree, viewTree } from '../support/unpacked.ts';

interface User {
  readonly uid: number;
  readonly gid: number;
  readonly build: string;
}

const NAME = `dobos-hello-${process.pid}`;
const ALONE = `dobos-alone-${process.pid}`;

let work: string;
let build: string;
let user: User;
let alone: User;
let byRoot: Dobos;

beforeAll(() => {
  build = readableBuild();
  work = mkdtempSync(join(tmpdir(), 'dobos-rootless-'));
  chmodSync(work, 0o755);
  user = addUser(NAME);
  alone = addUser(ALONE);
  for (const file of ['/etc/subuid', '/etc/subgid']) {
    const text = readFileSync(file, 'utf8');
    expect(text, `useradd gives ranges in ${file}`).toMatch(new RegExp(`^${NAME}:\\d+:65536$`, 'm'));
    writeFileSync(file, text.replace(new RegExp(`^${ALONE}:.*\\n`, 'm'), ''));
  }
  byRoot = buildHelloC({ store: join(work, 'root-store'), env: { DOBOS_RUNTIME: 'runc' } });
}, 600_000);
afterAll(() => {
  for (const name of [NAME, ALONE]) execFileSync('userdel', ['--remove', name], { stdio: 'ignore' });
  rmSync(work, { recursive: true, force: true });
  rmSync(build, { recursive: true, force: true });
});

function addUser(name: string): User {
  execFileSync('useradd', ['--create-home', '--home-dir', join(work, name), name], { stdio: 'ignore' });
  const id = (flag: string): number => Number(execFileSync('id', [flag, name], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g'), build };
}

describe.each(['runc', 'chroot'])('hello-c by an ordinary user with %s', (runtime) => {
  let dobos: Dobos;
  const home = (): string => join(work, NAME);
  beforeAll(() => {
    const store = join(home(), `store-${runtime}`);
    dobos = buildHelloC({ store, user, env: { DOBOS_RUNTIME: runtime, HOME: home() } });
  }, 600_000);

  it('is built with packages that apt-get fetches as its own user, and greets', () => {
    expect(dobos('run', 'hello-c')).toBe(GREETING);
    expect(dobos('info')).toMatch(new RegExp(`runtime +${runtime}`));
    // `_apt` owns what it fetches into; in one id, apt would say that it cannot drop its rights.
    const owner = dobos('run', 'hello-c', 'stat', '-c', '%U %u', '/var/lib/apt/lists/partial');
    expect(owner).toMatch(/^_apt \d+\n$/);
  }, 300_000);

  it('has the file tree of the image that root builds, but for times and logs', async () => {
    const mine = viewTree(await readTree(dobos.store, 'hello-c'), { times: false });
    const theirs = viewTree(await readTree(byRoot.store, 'hello-c'), { times: false });
    expect(Object.keys(theirs).length).toBeGreaterThan(5000);
    expect(differences(withoutVarying(mine), withoutVarying(theirs))).toEqual([]);
    for (const path of ['app', 'app/hello.c', 'app/hello', 'usr/bin/gcc'])
      expect(mine[path], path).toMatch(/^\w+ \d+ 0:0/);
    expect(mine['etc/gshadow']).toMatch(/^file 640 0:42 /);
  }, 300_000);

  it('hands files out to that user, and has them as root inside', () => {
    const shared = join(home(), `shared-${runtime}`);
    const context = join(home(), `context-${runtime}`);
    asUser(user, 'mkdir', shared, context);
    writeFileSync(join(context, 'mine'), 'mine\n');
    writeFileSync(
      join(context, 'Dockerfile'),
      'FROM hello-c\nCOPY mine /mine\nCOPY --chown=7:8 mine /given\n',
    );
    execFileSync('chown', ['-R', `${user.uid}:${user.gid}`, context]);
    dobos('build', '-t', 'owners', context);
    expect(dobos('run', 'owners', 'stat', '-c', '%u:%g', '/mine', '/given')).toBe('0:0\n7:8\n');
    dobos('run', '-v', `${shared}:/out`, 'owners', 'cp', '/app/hello', '/out/hello');
    expect(lstatSync(join(shared, 'hello'))).toMatchObject({ uid: user.uid, gid: user.gid });
    expect(execFileSync(join(shared, 'hello'), { encoding: 'utf8' })).toBe(GREETING);
  }, 300_000);

  it('leaves a store that checks clean', () => {
    expect(dobos.tell('system', 'check')).toMatchObject({ code: 0 });
  }, 300_000);
});

function asUser({ uid, gid }: User, ...command: readonly string[]): void {
  execFileSync('setpriv', [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...command], { cwd: '/' });
}

describe.each(['runc', 'chroot'])('an ordinary user without lines in /etc/subuid with %s', (runtime) => {
  const open = (): Dobos => {
    const home = join(work, ALONE);
    return dobosFor({
      store: join(home, `store-${runtime}`),
      user: alone,
      env: { HOME: home, DOBOS_RUNTIME: runtime },
    });
  };

  it('builds and runs images whose files all belong to root', () => {
    const dobos = open();
    const tar = join(work, 'busybox.tar');
    writeFileSync(tar, busyboxRoot());
    const context = join(work, `single-${runtime}`);
    mkdirSync(context);
    writeFileSync(join(context, 'Dockerfile'), 'FROM box\nRUN echo made > /made\nCMD ["cat", "/made"]\n');
    dobos('import', '--change', 'ENV PATH=/bin', tar, 'box');
    dobos('build', '-t', 'single', context);
    expect(dobos('run', 'single')).toBe('made\n');
  }, 300_000);

  it('is told which file belongs to whom, and what to do, when there are others', () => {
    const dobos = open();
    dobos('import', debianBase(), 'debian:bookworm');
    const told = dobos.tell('build', '-t', 'no', join(build, 'examples', 'hello-c'));
    expect(told.code).not.toBe(0);
    expect(told.stderr).toMatch(/dobos: \/\S+ belongs to \d+:\d+, which this user namespace does not have\n/);
    expect(told.stderr).toMatch(/hint: .*\/etc\/subuid and \/etc\/subgid/);
    expect(dobos.tell('system', 'check')).toMatchObject({ code: 0 });
  }, 300_000);
});
