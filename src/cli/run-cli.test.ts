import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tarEntry } from '../../test/support/built-command.ts';
import { type FakeTerminal, fakeTerminal } from '../../test/support/fake-terminal.ts';
import { readSettings } from '../app/settings.ts';
import { runCli } from './run-cli.ts';
import type { Terminal } from './terminal.ts';

let work: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'dobos-cli-'));
  const entries = [tarEntry({ name: 'hello.txt' }, Buffer.from('hello\n')), Buffer.alloc(1024)];
  writeFileSync(join(work, 'root.tar'), Buffer.concat(entries));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Ran extends FakeTerminal {
  readonly code: number;
}

async function run(words: readonly string[], o: Partial<Terminal> = {}, signal?: AbortSignal): Promise<Ran> {
  const terminal = fakeTerminal(o);
  const code = await runCli(words, {
    terminal,
    signal: signal ?? new AbortController().signal,
    interruptExit: () => 130,
    settings: () =>
      readSettings({
        env: { DOBOS_ROOT: join(work, 'store') },
        uid: 0,
        home: work,
        arch: 'x64',
        platform: 'linux',
        now: () => 1_700_000_000_000,
      }),
    version: '1.2.3',
    takeSignals: () => {},
  });
  return { ...terminal, code };
}

describe('the command line', () => {
  it.each([[], ['help'], ['--help'], ['-h']])('lists the commands for %j', async (...words) => {
    const { code, stdout, stderr } = await run(words);
    expect([code, stderr()]).toEqual([0, '']);
    expect(stdout()).toMatch(/^build:\n {2}build {10,}Build an image/m);
  });

  it.each([
    ['frob', 2, 'unknown command "frob"'],
    ['buidl', 2, 'did you mean "build"?'],
    ['push debian:12', 1, 'there is no image "docker.io/library/debian:12" in the store'],
    ['copy a b', 2, '"copy" is not part of this version yet'],
    ['pull', 2, 'needs exactly 1 argument'],
    ['pull Debian', 1, 'must be lower case'],
    ['pull -a debian:12', 1, 'names one image'],
    ['pull --tls-verify=maybe debian', 2, 'Allowed choices are true, false'],
    ['build --pull=sometimes .', 2, 'Allowed choices are always, missing, newer, never'],
    ['system', 2, 'there is system check, system df, system info, system prune'],
    ['image frob', 2, 'image: has no command "frob"'],
    ['images --frob', 2, 'unknown option "--frob"'],
    ['images –a', 2, 'type it as -a'],
    ['images -f nope=x', 1, 'filter "nope=x": there is no filter "nope"'],
    ['run', 125, 'needs at least 1 argument'],
    ['run --failed', 125, 'no build of this store has failed'],
    ['builds', 2, 'there is builds inspect'],
    ['builds inspect', 1, 'this store has none yet'],
    ['builds rm', 2, 'needs a build, or --all'],
    ['run --link app', 125, '"run --link" is not part of this version yet'],
    ['run --pull never nope', 125, 'no image "nope" in the store, and it is not to be pulled'],
    ['run -t nope', 125, '-t needs a terminal'],
    ['tag nope new', 1, 'no image "nope"'],
    ['rmi nope', 1, 'no image "nope"'],
    ['history nope', 1, 'no image "nope"'],
    ['explore nope', 1, 'no image "nope"'],
    ['save -o /tmp/x nope', 1, 'no image "nope"'],
    ['import /nope.tar', 1, 'cannot read /nope.tar: there is no such file'],
    ['import /', 1, 'cannot read /: it is a folder'],
    ['load -i /nope.tar', 1, 'cannot read /nope.tar: there is no such file'],
    ['build /nope', 1, 'the build context "/nope" does not exist'],
    ['build --sbom=true /', 2, '"build --sbom=true" is not part of this version yet'],
    ['build --provenance mode=max /', 2, '"build --provenance=mode=max" is not part of this version yet'],
    ['build --attest type=sbom /', 2, '"build --attest type=sbom" is not part of this version yet'],
    [
      'build --attest type=sbom,disabled=true --sbom=false /nope',
      1,
      'the build context "/nope" does not exist',
    ],
    ['build --cpp-flag x /', 2, 'build: unknown option "--cpp-flag"'],
    ['build --ulimit nofile /', 1, '--ulimit nofile: invalid ulimit argument'],
    ['build --iidfile /nope/id /', 1, 'cannot write /nope/id: its folder does not exist'],
    ['explore --json /nope/x app', 1, 'cannot write /nope/x: its folder does not exist'],
    ['version --format {{', 1, 'template'],
  ])('%s ends with %d: %s', async (line, want, message) => {
    const { code, stderr, stdout } = await run(line.split(' '));
    expect(stderr()).toContain(message);
    expect(stderr()).toMatch(/^dobos: /);
    expect(stderr()).not.toMatch(/ENOENT|at .*\.ts/);
    expect([code, stdout()]).toEqual([want, '']);
  });

  it('prints an empty list for what inspect does not find, and fails', async () => {
    const { code, stdout, stderr } = await run(['inspect', 'nope']);
    expect([code, stdout()]).toEqual([1, '[]\n']);
    expect(stderr()).toContain('no image "nope"');
  });

  it.each(['save', 'load', 'import'])('%s refuses a terminal for an archive', async (name) => {
    const words = { save: ['save', 'x'], load: ['load'], import: ['import', '-'] }[name]!;
    const { code, stderr } = await run(words, { inIsTty: true, outIsTty: true });
    expect([code, stderr()]).toEqual([2, expect.stringContaining('hint: name a file')]);
  });

  it('says in one line that it was interrupted, whatever failed by it', async () => {
    const stop = new AbortController();
    stop.abort();
    const { code, stderr } = await run(['import', join(work, 'root.tar')], {}, stop.signal);
    expect([code, stderr()]).toEqual([130, 'dobos: interrupted\n']);
  });

  it('builds with the options that scripts bring, and says of each once that it changes nothing', async () => {
    writeFileSync(join(work, 'Dockerfile'), 'FROM scratch\nLABEL a=1\n');
    const idle = [
      ...[
        '--builder',
        'x',
        '--compress',
        '--isolation',
        'chroot',
        '-m',
        '1g',
        '--memory-swap',
        '2g',
        '--cpu-shares',
        '1',
      ],
      ...[
        '--cpu-period',
        '1',
        '--cpu-quota',
        '1',
        '--cpuset-cpus',
        '0',
        '--cpuset-mems',
        '0',
        '--cgroup-parent',
        'x',
      ],
    ];
    const silent = [
      '--rm',
      '--force-rm',
      '--load',
      '--provenance=false',
      '--sbom=false',
      '--allow',
      'network.host',
    ];
    const { code, stdout, stderr } = await run([
      'build',
      '-q',
      ...idle,
      ...silent,
      '--label',
      'b=2',
      '-t',
      'idle',
      work,
    ]);
    expect([code, stdout()]).toEqual([0, expect.stringMatching(/^sha256:[0-9a-f]{64}\n$/)]);
    const notes = stderr().trim().split('\n');
    expect(notes).toHaveLength(11);
    for (const note of notes) expect(note).toMatch(/^dobos: note: --[a-z-]+ changes nothing: /);
    const labels = await run(['inspect', '--format', '{{json .Config.Labels}}', 'idle']);
    expect(labels.stdout()).toBe('{"a":"1","b":"2"}\n');
    expect((await run(['rmi', 'idle'])).code).toBe(0);
  });

  it('builds on layouts: on the only image, on one by its tag, on one by its digest', async () => {
    const layout = join(work, 'layout');
    writeFileSync(join(work, 'Dockerfile'), 'FROM scratch\nLABEL which=first\n');
    expect((await run(['build', '-q', '-o', `type=oci,tar=false,dest=${layout}`, work])).code).toBe(0);
    const index = JSON.parse(readFileSync(join(layout, 'index.json'), 'utf8'));
    const { digest } = index.manifests[0];
    const on = async (from: string, ...more: string[]): Promise<string> => {
      writeFileSync(join(work, 'Dockerfile'), `FROM ${from}\nLABEL more=1\n`);
      const { code, stderr } = await run(['build', '-q', '-t', 'on-layout', ...more, work]);
      if (code !== 0) return stderr().split('\n')[0]!;
      return (await run(['inspect', '--format', '{{json .Config.Labels}}', 'on-layout'])).stdout().trim();
    };
    const both = '{"more":"1","which":"first"}';
    expect(await on(`oci:${layout}`)).toBe(both);
    expect(await on(`oci:${layout}@${digest}`)).toBe(both);
    expect(await on('base', '--build-context', `base=oci-layout://${layout}:any@${digest}`)).toBe(both);
    const absent = `sha256:${'0'.repeat(64)}`;
    expect(await on(`oci:${layout}@${absent}`)).toBe(`dobos: oci:${layout}@${absent}: it has no such digest`);
    expect(await on(`oci:${layout}@sha256:0`)).toBe(`dobos: oci:${layout}@sha256:0: "sha256:0" is no digest`);
    const config = JSON.parse(readFileSync(join(layout, 'blobs', digest.replace(':', '/')), 'utf8')).config;
    expect(await on(`oci:${layout}@${config.digest}`)).toContain('is neither an image nor an index');
    expect((await run(['rmi', 'on-layout'])).code).toBe(0);
  });

  it('prints the plan of a build and builds nothing', async () => {
    writeFileSync(join(work, 'Dockerfile'), 'FROM scratch AS a\nLABEL a=1\n');
    const { code, stdout } = await run([
      'build',
      '--plan',
      '-f',
      join(work, 'Dockerfile'),
      '-t',
      'planned',
      work,
    ]);
    expect([code, stdout()]).toEqual([
      0,
      expect.stringMatching(/^s0 {2}\[a 1\/2\] FROM scratch\n[\s\S]*\noutput: /),
    ]);
    expect((await run(['inspect', 'planned'])).code).toBe(1);
  });

  it('is silent when nobody reads on', async () => {
    const out = async (): Promise<void> => {
      throw Object.assign(new Error('write EPIPE'), { code: 'EPIPE' });
    };
    const { code, stderr } = await run(['version'], { out });
    expect([code, stderr()]).toEqual([0, '']);
  });

  it('imports, names, lists, builds on, looks into and removes an image, without root', async () => {
    const imported = await run(['import', '-c', 'CMD ["cat"]', join(work, 'root.tar'), 'one']);
    expect([imported.stderr(), imported.code]).toEqual(['', 0]);
    const id = imported.stdout().trim();
    expect((await run(['tag', 'one', 'two:2'])).code).toBe(0);
    expect((await run(['images', '--format', '{{.Repository}}:{{.Tag}} {{.Size}}'])).stdout()).toBe(
      'one:latest 6B\ntwo:2 6B\n',
    );
    expect((await run(['images', '-q', '--no-trunc'])).stdout()).toBe(`${id}\n`);

    writeFileSync(join(work, 'Dockerfile'), 'FROM one\nENV A=b\nCOPY root.tar /x\n');
    const built = await run(['build', '-q', '-t', 'three', work]);
    expect([built.stderr(), built.code]).toEqual(['', 0]);
    const rows = (
      await run(['history', '--no-trunc', '--format', '{{.ID}} {{.CreatedBy}}', 'three'])
    ).stdout();
    expect(
      rows
        .trim()
        .split('\n')
        .map((row) => row.slice(72)),
    ).toEqual(['COPY root.tar /x # buildkit', 'ENV A=b', '']);
    expect(rows.trim().split('\n').at(-1)).toContain(id);

    expect((await run(['rmi', 'one', 'two:2'])).stdout()).toContain('Untagged: two:2');
    const below = (await run(['inspect', '--format', '{{.Id}} {{.Config.Cmd}}', id.slice(7, 19)])).stdout();
    expect(below).toBe(`${id} [cat]\n`);
    expect((await run(['explore', '--summary', 'three'])).stdout()).toMatch(
      /^three: everything that is shipped is visible/,
    );
    expect((await run(['system', 'check'])).stdout()).toMatch(/^The store is whole: \d+ blobs checked\n$/);
  });
});
