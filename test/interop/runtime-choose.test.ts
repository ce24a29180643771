import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type ClientTask, clientProgram } from './runtime-client.ts';

const RUNC = '/usr/sbin/runc';
let folder: string;
let stores = 0;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-choose-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A folder for PATH with util-linux's programs and these; text is a shell script, a path a link. */
function searchPath(name: string, programs: Readonly<Record<string, string>>): string {
  const path = join(folder, name);
  mkdirSync(path);
  for (const [file, what] of Object.entries({ ...TOOLS, ...programs })) {
    if (what.startsWith('/')) symlinkSync(what, join(path, file));
    else {
      writeFileSync(join(path, file), `#!/bin/sh\n${what}\n`);
      chmodSync(join(path, file), 0o755);
    }
  }
  return path;
}
const TOOLS = { unshare: '/usr/bin/unshare', setpriv: '/usr/bin/setpriv' };

/** The executor that a client with this PATH gets, or the error's text. */
function chosen(
  path: string,
  runtime = 'auto',
  {
    use,
    storeFolder = join(folder, `store-${stores++}`),
  }: Pick<ClientTask, 'use'> & { storeFolder?: string } = {},
) {
  const task: ClientTask = { storeFolder, runtime, use, commands: [] };
  const { stdout, stderr } = spawnSync(
    process.execPath,
    ['--input-type=module', '-e', clientProgram(), JSON.stringify(task)],
    { encoding: 'utf8', env: { PATH: path } },
  );
  return {
    stderr,
    storeFolder,
    ...(stdout === '' ? {} : (JSON.parse(stdout) as { executor: { name: string; detail: string } }).executor),
  };
}

describe('the choice of a runtime', () => {
  it('reports a named runtime that fails in its own words', () => {
    const path = searchPath('named', { broken: 'echo this machine is too odd >&2; exit 1' });
    const { stderr } = chosen(path, 'broken');
    expect(stderr).toContain('broken failed: this machine is too odd');
    expect(stderr).toContain('RUNTIME_FAILED');
  });
  it('reports a named runtime that ends well and starts nothing', () => {
    expect(chosen(searchPath('silent', { silent: 'exit 0' }), 'silent').stderr).toContain(
      'silent failed: it ended with 0 and started nothing',
    );
  });
  it('goes past runtimes that do not work, and says why', () => {
    const path = searchPath('past', { runc: 'exit 3', crun: 'echo no >&2; exit 1' });
    expect(chosen(path)).toMatchObject({
      name: 'chroot',
      detail:
        'no seccomp filter; crun does not work here: no; runc does not work here: it ended with 3 and started nothing',
    });
  });
  it('takes a runtime by its path', () => {
    const path = searchPath('path', { 'my-runc': RUNC });
    expect(chosen(path, `${path}/my-runc`)).toMatchObject({
      name: `${path}/my-runc`,
      detail: `${path}/my-runc`,
    });
  });
  it('takes crun by itself as root where its device files can be shut', () => {
    const programs = { crun: '/usr/bin/crun', sh: '/bin/sh' };
    const open = searchPath('open', programs);
    expect(chosen(open)).toMatchObject({
      name: 'chroot',
      detail: 'no seccomp filter; crun lets containers open device files of their image',
    });
    expect(chosen(open, 'crun').detail).toBe(
      `${open}/crun; lets containers open device files of their image`,
    );
    const useless = searchPath('useless', { ...programs, mount: 'exit 0' });
    expect(chosen(useless).name).toBe('chroot');
    const shut = searchPath('shut', { ...programs, mount: '/bin/mount' });
    const { storeFolder, ...known } = chosen(shut);
    expect(known).toMatchObject({ name: 'crun', detail: `${shut}/crun` });
    // What is known of it holds for the programs that it was found out with.
    writeFileSync(join(folder, 'nothing'), '#!/bin/sh\n', { mode: 0o755 });
    rmSync(join(shut, 'mount'));
    symlinkSync(join(folder, 'nothing'), join(shut, 'mount'));
    expect(chosen(shut, 'auto', { storeFolder }).name).toBe('chroot');
    rmSync(join(shut, 'mount'));
    expect(chosen(shut, 'auto', { storeFolder }).name).toBe('chroot');
  });
  it('keeps the filter that crun compiled, if crun takes it again', () => {
    const programs = { crun: '/usr/bin/crun', sh: '/bin/sh', mount: '/bin/mount', cp: '/bin/cp' };
    const known = (name: string, more: Readonly<Record<string, string>> = {}): unknown => {
      const told = chosen(searchPath(name, { ...programs, ...more }));
      const notes = join(told.storeFolder, 'notes', 'runtime');
      const [trial] = readdirSync(notes).map((file) => JSON.parse(readFileSync(join(notes, file), 'utf8')));
      return { name: told.name, shut: trial.shut, isKept: trial.compiled !== undefined };
    };
    expect(known('kept')).toEqual({ name: 'crun', shut: 'remount', isKept: true });
    const none = { name: 'crun', shut: 'remount', isKept: false };
    expect(known('useless-cp', { cp: 'exit 0' })).toEqual(none);
    expect(known('failing-cp', { cp: 'exit 1' })).toEqual(none);
    const refuse = `for word; do [ "$last" = --bundle ] && /bin/grep -q bpf_data "$word/config.json" && exit 1; last=$word; done; exec /usr/bin/crun "$@"`;
    expect(known('refused', { crun: refuse })).toEqual(none);
  });
  it('takes crun, and runc for limits and terminals', () => {
    const programs = { sh: '/bin/sh', mount: '/bin/mount' };
    const both = searchPath('both', { ...programs, crun: '/usr/bin/crun', runc: RUNC });
    expect(
      ['plain', 'full'].map((use) => chosen(both, 'auto', { use: use as ClientTask['use'] }).name),
    ).toEqual(['crun', 'runc']);
    expect(chosen(both, 'runc', { use: 'plain' }).name).toBe('runc');
    const one = searchPath('one', { ...programs, runc: RUNC });
    expect(chosen(one, 'auto', { use: 'plain' }).name).toBe('runc');
  });
  it('goes without the filter where the runtime has none', () => {
    const refuse = `case "$*" in *--bundle*) for last; do :; done;
      while [ "$1" != --bundle ]; do shift; done; grep -q seccomp "$2/config.json" && { echo seccomp is not supported >&2; exit 1; }; true;; esac`;
    // Once more with the original arguments.
    const script = `(set -- "$@"; ${refuse}) || exit 1; exec ${RUNC} "$@"`;
    const path = searchPath('filter', { runc: script, grep: '/bin/grep' });
    expect(chosen(path)).toMatchObject({ name: 'runc', detail: `${path}/runc; no seccomp filter` });
  });
  it('remembers what worked, and tries again when the program has changed', () => {
    const path = searchPath('memory', { runc: `echo x >> ${folder}/calls; exec ${RUNC} "$@"` });
    const calls = (): number => readdirSync(folder).filter((name) => name === 'calls').length;
    const { storeFolder, name } = chosen(path);
    expect([name, calls()]).toEqual(['runc', 1]);
    rmSync(join(folder, 'calls'));
    expect([chosen(path, 'auto', { storeFolder }).name, calls()]).toEqual(['runc', 0]);
    writeFileSync(join(path, 'runc'), '#!/bin/sh\nexit 1\n');
    expect(chosen(path, 'auto', { storeFolder }).name).toBe('chroot');
  });
});
