import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSandbox, importBase, type Sandbox } from '../support/built-command.ts';

/** Text, or what else stands there. */
type Item =
  | string
  | { readonly text: string; readonly mode?: number; readonly owner?: number }
  | { readonly link: string };

interface State {
  readonly text?: string;
  readonly files?: Readonly<Record<string, Item | undefined>>;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Commands of our own before the build. */
  readonly before?: readonly (readonly string[])[];
}

/** A build, and the same with one thing changed: which steps run then, and why the first of them does. */
interface Row {
  readonly name: string;
  readonly first: State & { readonly text: string };
  readonly change: State;
  /** Instructions of the steps that run the second time, in order. */
  readonly runs: readonly string[];
  readonly why?: RegExp;
}

const FROM = 'FROM base:1\n';
const RUN = 'RUN echo $A$B > /out\n';
const FILES = { 'a.txt': 'a\n', 'b.txt': 'b\n', 'dir/c.txt': 'c\n' };
const COPY = { text: `${FROM}COPY a.txt dir /app/\n`, files: FILES };

const ROWS: readonly Row[] = [
  // FROM
  {
    name: 'FROM: the tag names another image',
    first: { text: `FROM moving:1\n${RUN}` },
    change: { before: [['tag', 'other:1', 'moving:1']] },
    runs: ['RUN echo $A$B > /out'],
    why: /base image/,
  },
  {
    name: 'FROM: another tag of the same image',
    first: { text: `FROM moving:1\n${RUN}` },
    change: { before: [['tag', 'moving:1', 'moving:2']], text: `FROM moving:2\n${RUN}` },
    runs: [],
  },
  // RUN
  {
    name: 'RUN: the command',
    first: { text: FROM + RUN },
    change: { text: `${FROM}RUN echo $A > /out\n` },
    runs: ['RUN echo $A > /out'],
    why: /the instruction changed/,
  },
  {
    name: 'RUN: blanks and comments outside of it',
    first: { text: FROM + RUN },
    change: { text: `# more\n${FROM}\n\n   # and more\n${RUN}\n` },
    runs: [],
  },
  {
    name: 'RUN: a comment within',
    first: { text: `${FROM}RUN echo a && \\\n  echo b > /b\n` },
    change: { text: `${FROM}RUN echo a && \\\n# why\n  echo b > /b\n` },
    runs: [],
  },
  {
    name: 'RUN: a heredoc',
    first: { text: `${FROM}RUN <<E\necho 1 > /x\nE\n` },
    change: { text: `${FROM}RUN <<E\necho 2 > /x\nE\n` },
    runs: ['RUN <<E'],
    why: /the instruction changed/,
  },
  {
    name: 'RUN: ENV above',
    first: { text: `${FROM}ENV A=1\n${RUN}` },
    change: { text: `${FROM}ENV A=2\n${RUN}` },
    runs: ['ENV A=2', 'RUN echo $A$B > /out'],
    why: /A/,
  },
  {
    name: 'RUN: a build argument that it can see',
    first: { text: `${FROM}ARG A\n${RUN}`, args: ['--build-arg', 'A=11'] },
    change: { args: ['--build-arg', 'A=12'] },
    runs: ['ARG A', 'RUN echo $A$B > /out'],
    why: /A/,
  },
  {
    name: 'RUN: a build argument declared below',
    first: { text: `${FROM}${RUN}ARG A\n`, args: ['--build-arg', 'A=11'] },
    change: { args: ['--build-arg', 'A=12'] },
    runs: ['ARG A'],
  },
  {
    name: 'RUN: WORKDIR above',
    first: { text: `${FROM}WORKDIR /tmp\nRUN pwd > /pwd\n` },
    change: { text: `${FROM}WORKDIR /root\nRUN pwd > /pwd\n` },
    runs: ['WORKDIR /root', 'RUN pwd > /pwd'],
  },
  {
    name: 'RUN: USER above',
    first: { text: `${FROM}USER 1\nRUN id > /tmp/id\n` },
    change: { text: `${FROM}USER 2\nRUN id > /tmp/id\n` },
    runs: ['USER 2', 'RUN id > /tmp/id'],
  },
  {
    name: 'RUN: SHELL above',
    first: { text: `${FROM}SHELL ["/bin/sh", "-c"]\nRUN echo a > /a\n` },
    change: { text: `${FROM}SHELL ["/bin/sh", "-ec"]\nRUN echo a > /a\n` },
    runs: ['SHELL', 'RUN echo a > /a'],
  },
  {
    name: 'RUN: the network',
    first: { text: `${FROM}RUN --network=none echo a > /a\n` },
    change: { text: `${FROM}RUN --network=host echo a > /a\n` },
    runs: ['RUN --network=host echo a > /a'],
    why: /network|instruction/,
  },
  {
    name: 'RUN: a proxy',
    first: { text: FROM + RUN, args: ['--build-arg', 'HTTP_PROXY=http://a.invalid'] },
    change: { args: ['--build-arg', 'HTTP_PROXY=http://b.invalid'] },
    runs: [],
  },
  {
    name: 'RUN: LABEL, EXPOSE and CMD above',
    first: { text: `${FROM}LABEL a=1\nEXPOSE 1\nCMD ["a"]\n${RUN}` },
    change: { text: `${FROM}LABEL a=2\nEXPOSE 2\nCMD ["b"]\n${RUN}` },
    runs: ['LABEL a=2', 'EXPOSE', 'CMD'],
  },
  {
    name: 'RUN: SOURCE_DATE_EPOCH',
    first: { text: FROM + RUN },
    change: { env: { SOURCE_DATE_EPOCH: '1700000001' } },
    runs: ['RUN echo $A$B > /out'],
    why: /SOURCE_DATE_EPOCH changed/,
  },
  // COPY
  {
    name: 'COPY: what is in a file',
    first: COPY,
    change: { files: { 'dir/c.txt': 'd\n' } },
    runs: ['COPY a.txt dir /app/'],
    why: /dir\/c\.txt changed/,
  },
  {
    name: 'COPY: a mode',
    first: COPY,
    change: { files: { 'a.txt': { text: 'a\n', mode: 0o755 } } },
    runs: ['COPY a.txt dir /app/'],
    why: /a\.txt changed/,
  },
  {
    name: 'COPY: a name',
    first: COPY,
    change: { files: { 'dir/c.txt': undefined, 'dir/d.txt': 'c\n' } },
    runs: ['COPY a.txt dir /app/'],
    why: /dir\/[cd]\.txt is (new|gone)/,
  },
  {
    name: 'COPY: a file more',
    first: COPY,
    change: { files: { 'dir/more': '' } },
    runs: ['COPY a.txt dir /app/'],
    why: /dir\/more is new/,
  },
  {
    name: 'COPY: a file that became a link',
    first: COPY,
    change: { files: { 'dir/c.txt': { link: '../a.txt' } } },
    runs: ['COPY a.txt dir /app/'],
    why: /dir\/c\.txt changed/,
  },
  {
    name: 'COPY: where a link leads',
    first: { text: `${FROM}COPY dir /d\n`, files: { 'dir/l': { link: 'x' } } },
    change: { files: { 'dir/l': { link: 'y' } } },
    runs: ['COPY dir /d'],
    why: /dir\/l changed/,
  },
  { name: 'COPY: times only', first: COPY, change: { before: [['touch']] }, runs: [] },
  {
    name: 'COPY: owners of the context',
    first: COPY,
    change: { files: { 'a.txt': { text: 'a\n', owner: 7 } } },
    runs: [],
  },
  {
    name: 'COPY: files that nothing selects',
    first: COPY,
    change: { files: { 'b.txt': 'other\n', 'new/x': 'x\n' } },
    runs: [],
  },
  {
    name: 'COPY: an ignored file',
    first: { text: `${FROM}COPY . /app/\n`, files: { ...FILES, '.dockerignore': 'b.txt\n' } },
    change: { files: { 'b.txt': 'other\n' } },
    runs: [],
  },
  {
    name: 'COPY: the destination',
    first: COPY,
    change: { text: `${FROM}COPY a.txt dir /other/\n` },
    runs: ['COPY a.txt dir /other/'],
    why: /the instruction changed/,
  },
  {
    name: 'COPY: the owner',
    first: { text: `${FROM}COPY --chown=1:2 a.txt /\n`, files: FILES },
    change: { text: `${FROM}COPY --chown=1:3 a.txt /\n` },
    runs: ['COPY --chown=1:3 a.txt /'],
    why: /instruction/,
  },
  {
    name: 'COPY: a mode that --chmod sets anyway',
    first: { text: `${FROM}COPY --chmod=600 a.txt /\n`, files: FILES },
    change: { files: { 'a.txt': { text: 'a\n', mode: 0o755 } } },
    runs: [],
  },
  {
    name: 'COPY: ENV above that it does not use',
    first: { text: `${FROM}ENV Q=1\nCOPY a.txt /\n`, files: FILES },
    change: { text: `${FROM}ENV Q=2\nCOPY a.txt /\n` },
    runs: ['ENV Q=2'],
  },
  {
    name: 'COPY: a step above',
    first: { text: `${FROM}RUN echo 1 > /x\nCOPY a.txt /\n`, files: FILES },
    change: { text: `${FROM}RUN echo 2 > /x\nCOPY a.txt /\n` },
    runs: ['RUN echo 2 > /x', 'COPY a.txt /'],
  },
  // Stages
  {
    name: 'COPY --from: a stage built anew with the same bytes',
    first: {
      text: `FROM base:1 AS b\nRUN echo same > /s && echo 1 > /other\n${FROM}COPY --from=b /s /s\nRUN cat /s > /t\n`,
    },
    change: {
      text: `FROM base:1 AS b\nRUN echo same > /s && echo 2 > /other\n${FROM}COPY --from=b /s /s\nRUN cat /s > /t\n`,
    },
    runs: ['RUN echo same > /s && echo 2 > /other'],
  },
  {
    name: 'COPY --from: a stage with other bytes',
    first: { text: `FROM base:1 AS b\nRUN echo 1 > /s\n${FROM}COPY --from=b /s /s\nRUN cat /s > /t\n` },
    change: { text: `FROM base:1 AS b\nRUN echo 2 > /s\n${FROM}COPY --from=b /s /s\nRUN cat /s > /t\n` },
    runs: ['RUN echo 2 > /s', 'COPY --from=b /s /s', 'RUN cat /s > /t'],
  },
  {
    name: 'a miss in one stage and none in another',
    first: {
      text: `FROM base:1 AS a\nRUN echo 1 > /a\nFROM base:1 AS b\nRUN echo b > /b\n${FROM}COPY --from=a /a /\nCOPY --from=b /b /\n`,
    },
    change: {
      text: `FROM base:1 AS a\nRUN echo 2 > /a\nFROM base:1 AS b\nRUN echo b > /b\n${FROM}COPY --from=a /a /\nCOPY --from=b /b /\n`,
    },
    runs: ['RUN echo 2 > /a', 'COPY --from=a /a /', 'COPY --from=b /b /'],
  },
  // Configuration
  {
    name: 'configuration alone',
    first: { text: `${FROM}RUN echo a > /a\nCMD ["a"]\nENV X=1\n` },
    change: { text: `${FROM}RUN echo a > /a\nCMD ["b"]\nENV X=1\n` },
    runs: ['CMD', 'ENV X=1'],
  },
  {
    name: '--no-cache',
    first: { text: `${FROM}RUN echo a > /a\nCMD ["a"]\n` },
    change: { args: ['--no-cache'] },
    runs: ['RUN echo a > /a', 'CMD'],
  },
];

describe('what a step depends on, and what not', () => {
  let sandbox: Sandbox;
  beforeAll(async () => {
    sandbox = createSandbox();
    await importBase(sandbox);
    const other = join(sandbox.folder, 'other');
    write(other, { Dockerfile: 'FROM base:1\nRUN echo other > /other\n' });
    expect((await sandbox.run(['build', '-q', '-t', 'other:1', other])).code).toBe(0);
  }, 300_000);
  afterAll(() => sandbox.remove());

  it.each(ROWS.map((row) => [row.name, row] as const))('%s', async (name, row) => {
    const context = join(sandbox.folder, name.replace(/\W+/g, '-'));
    await sandbox.run(['tag', 'base:1', 'moving:1']);
    await build(context, row.first);
    const again = await build(context, row.first);
    expect(again.ran, 'a build with nothing changed').toEqual([]);

    const changed = await build(context, { ...row.first, ...row.change }, row.change.files ?? {});
    expect(changed.ran.length, changed.output).toBe(row.runs.length);
    for (const [at, wanted] of row.runs.entries()) expect(changed.ran[at]).toContain(wanted);
    if (row.runs.length > 0) expect(changed.whys.join('\n'), changed.output).toMatch(row.why ?? /./);
  });

  async function build(context: string, state: State, files = state.files ?? {}) {
    write(context, { Dockerfile: state.text, ...files });
    for (const words of state.before ?? []) {
      if (words[0] === 'touch') spawnSync('find', [context, '-exec', 'touch', '-d', '2001-01-01', '{}', '+']);
      else expect((await sandbox.run(words)).stderr).toBe('');
    }
    const args = ['build', '--progress', 'plain', ...(state.args ?? []), context];
    const { code, stdout, stderr } = await sandbox.run(args, { env: state.env ?? {} });
    const output = stdout + stderr;
    expect(code, output).toBe(0);
    const text = new Map(
      [...output.matchAll(/^#(\d+) \[[^\]]*\] (.*)$/gm)].map((match) => [match[1]!, match[2]!]),
    );
    const done = [...output.matchAll(/^#(\d+) done /gm)].map((match) => match[1]!);
    const whys = [...output.matchAll(/^#\d+ why: (.*)$/gm)].map((match) => match[1]!);
    const ran = done.sort((a, b) => Number(a) - Number(b)).map((step) => text.get(step)!);
    return { output, ran, whys };
  }
});

function write(folder: string, files: Readonly<Record<string, Item | undefined>>): void {
  for (const [name, item] of Object.entries(files)) {
    const path = join(folder, name);
    rmSync(path, { force: true });
    if (item === undefined) continue;
    mkdirSync(dirname(path), { recursive: true });
    if (typeof item === 'object' && 'link' in item) {
      symlinkSync(item.link, path);
      continue;
    }
    const {
      text,
      mode = 0o644,
      owner,
    } = typeof item === 'string'
      ? { text: item, mode: 0o644, owner: undefined }
      : { mode: 0o644, owner: undefined, ...item };
    writeFileSync(path, text);
    chmodSync(path, mode);
    if (owner !== undefined) spawnSync('chown', [`${owner}:${owner}`, path]);
    // Long ago: what has just changed is read again in any case.
    utimesSync(path, 1_600_000_000, 1_600_000_000);
  }
}
