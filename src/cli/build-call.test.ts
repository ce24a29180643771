// biome-ignore-all lint/suspicious/noTemplateCurlyInString: Dockerfiles have variables of their own
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fakeTerminal } from '../../test/support/fake-terminal.ts';
import { readSettings } from '../app/settings.ts';
import { runCli } from './run-cli.ts';

let work: string;
let store: string;
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'dobos-call-'));
  store = join(work, 'store');
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** `dobos build` over a context of these files. */
async function build(files: Readonly<Record<string, string>>, ...words: string[]): Promise<Ran> {
  const context = mkdtempSync(join(work, 'context-'));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(context, name)), { recursive: true });
    writeFileSync(join(context, name), text);
  }
  const terminal = fakeTerminal();
  const code = await runCli(['build', ...words, context], {
    terminal,
    signal: new AbortController().signal,
    interruptExit: () => 130,
    settings: () =>
      readSettings({
        env: { DOBOS_ROOT: store },
        uid: 0,
        home: work,
        arch: 'x64',
        platform: 'linux',
        now: () => 1_700_000_000_000,
      }),
    version: '1.2.3',
    takeSignals: () => {},
  });
  return { code, stdout: terminal.stdout(), stderr: terminal.stderr() };
}

const TWO = 'FROM scratch AS one\nENV a b\n\nFROM scratch AS two\nCOPY . /\nCMD run\n';
/** Rules and lines of docker's text form. */
const found = ({ stdout }: Ran): string[] =>
  [...stdout.matchAll(/^WARNING: (\w+).*\n.*\n.*:(\d+)$/gm)].map(([, rule, line]) => `${rule} ${line}`);

describe('build --check', () => {
  it('prints what it finds as docker does, ends with 1, and leaves nothing behind', async () => {
    const ran = await build({ Dockerfile: TWO }, '--check');
    expect(ran.stdout).toBe(`Check complete, 2 warnings have been found!

WARNING: LegacyKeyValueFormat - https://docs.docker.com/go/dockerfile/rule/legacy-key-value-format/
"ENV key=value" should be used instead of legacy "ENV key value" format
Dockerfile:2
--------------------
   1 |     FROM scratch AS one
   2 | >>> ENV a b
   3 |     
   4 |     FROM scratch AS two
--------------------

WARNING: JSONArgsRecommended - https://docs.docker.com/go/dockerfile/rule/json-args-recommended/
JSON arguments recommended for CMD to prevent unintended behavior related to OS signals
Dockerfile:6
--------------------
   4 |     FROM scratch AS two
   5 |     COPY . /
   6 | >>> CMD run
   7 |     
--------------------
`);
    expect([ran.code, ran.stderr, existsSync(store)]).toEqual([1, '', false]);
  });

  it('says so when there is nothing to say, and ends with 0', async () => {
    const ran = await build({ Dockerfile: 'FROM scratch\n' }, '--call=check');
    expect(ran).toEqual({ code: 0, stdout: 'Check complete, no warnings found.\n', stderr: '' });
  });

  it('looks at every stage, or at those of the target', async () => {
    expect(found(await build({ Dockerfile: TWO }, '--check', '--target', 'two'))).toEqual([
      'JSONArgsRecommended 6',
    ]);
    expect(found(await build({ Dockerfile: TWO }, '--check', '--target', 'one'))).toEqual([
      'LegacyKeyValueFormat 2',
    ]);
  });

  it('gives docker’s JSON', async () => {
    const text = 'FROM scratch\nENV a \\\n  b\nCOPY nothing\n';
    const ran = await build({ 'sub/D': text }, '--call', 'check,format=json', '-f', 'sub/../nope');
    expect(ran.code).toBe(1);
    const broken = await build({ Dockerfile: text }, '--call', 'check,format=json');
    expect(broken.code).toBe(1);
    expect(JSON.parse(broken.stdout)).toEqual({
      warnings: [],
      sources: [
        { filename: 'Dockerfile', data: Buffer.from(text).toString('base64'), language: 'Dockerfile' },
      ],
      buildError: {
        message:
          'COPY requires at least two arguments, but only one was provided. Destination could not be determined',
        location: { ranges: [{ start: { line: 4 }, end: { line: 4 } }] },
      },
    });
    const whole = await build({ Dockerfile: text.replace('nothing', '. /ü') }, '--call', 'format=json,check');
    expect(JSON.parse(whole.stdout)).toEqual({
      warnings: [
        {
          ruleName: 'LegacyKeyValueFormat',
          description: 'ENV and LABEL have = between key and value',
          url: 'https://docs.docker.com/go/dockerfile/rule/legacy-key-value-format/',
          detail: '"ENV key=value" should be used instead of legacy "ENV key value" format',
          location: { ranges: [{ start: { line: 2 }, end: { line: 3 } }] },
        },
      ],
      sources: [
        {
          filename: 'Dockerfile',
          data: Buffer.from(text.replace('nothing', '. /ü')).toString('base64'),
          language: 'Dockerfile',
        },
      ],
    });
  });

  it('tells of findings, then why the file does not build, in any stage', async () => {
    const text = 'FROM scratch AS One\nCOPY --from=tow /a /\nFROM scratch AS tow\nFROM scratch\n';
    const ran = await build({ Dockerfile: text }, '--check');
    expect(ran.code).toBe(1);
    expect(found(ran)).toEqual(['StageNameCasing 1']);
    expect(ran.stderr).toContain(
      'cannot copy from stage "tow", it needs to be defined before current stage "one"',
    );
    const only = await build({ Dockerfile: 'FROM scratch\nFORM x\n' }, '--check');
    expect([only.code, only.stdout]).toEqual([1, '']);
    expect(only.stderr).toMatch(/^dobos: unknown instruction: FORM \(did you mean FROM\?\)\nDockerfile:2\n/);
  });

  it('asks no registry, and says what it then does not know', async () => {
    const text = 'FROM 127.0.0.1:1/go\nARG SRC=x\nCOPY $SCR $GOPATH/\nWORKDIR $WHERE/x\nEXPOSE $PORT\n';
    const ran = await build({ Dockerfile: text }, '--check');
    expect(found(ran)).toEqual(['UndefinedVar 3']);
    expect(ran.stderr).toBe(
      'note: 127.0.0.1:1/go is not in the store, so what it sets is not known; --pull fetches it\n',
    );
    const asked = await build({ Dockerfile: text }, '--check', '--pull');
    expect(asked.stderr).toContain('there is no image "127.0.0.1:1/go" in the store');
    expect(asked.stderr).toContain('Dockerfile:1');
  });

  it('knows the variables and the shell of bases that are in the store', async () => {
    const base = 'FROM scratch\nENV GOPATH=/go\nSHELL ["/busybox", "sh"]\n';
    expect((await build({ Dockerfile: base }, '-q', '-t', 'base')).code).toBe(0);
    const text = 'FROM base\nCOPY . $GOPATH\nUSER $GOPAHT\nCMD x\n';
    const ran = await build({ Dockerfile: text, x: '' }, '--check');
    expect(found(ran)).toEqual(['UndefinedVar 3']);
    expect(ran.stdout).toContain("'$GOPAHT' (did you mean $GOPATH?)");
  });

  it('reads the .dockerignore, build arguments and # check', async () => {
    const files = { Dockerfile: 'FROM scratch\nARG F\nCOPY $F /\n', '.dockerignore': '*.log\n', 'a.log': '' };
    expect(found(await build(files, '--check', '--build-arg', 'F=a.log'))).toEqual(['CopyIgnoredFile 3']);
    expect(found(await build(files, '--check', '--build-arg', 'F=Dockerfile'))).toEqual([]);
    const skipped = 'BUILDKIT_DOCKERFILE_CHECK=skip=CopyIgnoredFile';
    expect((await build(files, '--check', '--build-arg', 'F=a.log', '--build-arg', skipped)).code).toBe(0);
  });

  it('has findings as errors where the file wants it, and the exit code that is asked for', async () => {
    const text = `# check=error=true\n${TWO}`;
    const ran = await build({ Dockerfile: text }, '--check');
    expect([ran.code, found(ran)]).toEqual([1, ['LegacyKeyValueFormat 3', 'JSONArgsRecommended 7']]);
    expect(ran.stderr).toContain(
      'dobos: lint violation found for rules: LegacyKeyValueFormat, JSONArgsRecommended\n',
    );
    const json = JSON.parse((await build({ Dockerfile: text }, '--call', 'check,format=json')).stdout);
    expect(json.buildError).toEqual({
      message: 'lint violation found for rules: LegacyKeyValueFormat, JSONArgsRecommended',
      location: {},
    });
    const ignored = await build({ Dockerfile: text }, '--call', 'check,ignorestatus=true');
    expect([ignored.code, ignored.stderr, found(ignored).length]).toEqual([0, '', 2]);
    const wrong = await build({ Dockerfile: '# check=strict=1\nFROM scratch\n' }, '--check');
    expect([wrong.code, wrong.stdout]).toEqual([1, '']);
    expect(wrong.stderr).toMatch(
      /failed to parse check options: invalid check option "strict".*\nDockerfile:1\n/,
    );
  });

  it.each([
    [['--call', 'lnit'], '--call lnit: want build, check, outline or targets'],
    [['--call', 'check,outline'], '--call check,outline: want build'],
    [['--call', 'check,format=xml'], 'format=json'],
    [['--call', 'outline', '--check'], '--check is --call check, and --call outline says otherwise'],
  ])('%j is wrong usage', async (words, message) => {
    const ran = await build({ Dockerfile: TWO }, ...words);
    expect([ran.code, ran.stdout]).toEqual([2, '']);
    expect(ran.stderr).toContain(message);
  });
});

const DESCRIBED = `# VERSION of what is built
ARG VERSION=1.22
ARG SUFFIX=-\${FLAVOUR}
ARG UNUSED=1
ARG FLAVOUR=slim

# base has the tools
FROM 127.0.0.1:1/go:\${VERSION}\${SUFFIX} AS base
ARG TARGETARCH
# JOBS at a time
ARG JOBS=\${TARGETARCH}4
RUN --mount=type=secret,id=npm,required --mount=type=secret,id=pip-$JOBS --mount=type=ssh make

FROM scratch as other
ARG OTHER=1
RUN --mount=type=ssh,id=other true

# a comment apart
#
FROM other
COPY --from=base /x /

# shipped is what users get
FROM base AS shipped
ARG VERSION
ARG JOBS
`;

describe('build --call outline', () => {
  it('prints what the default target can be given, in docker’s tables', async () => {
    const ran = await build({ Dockerfile: DESCRIBED }, '--call', 'outline', '--build-arg', 'JOBS=8');
    expect(ran).toEqual({
      code: 0,
      stderr: '',
      stdout: `TARGET:      shipped
DESCRIPTION: is what users get

BUILD ARG   VALUE   DESCRIPTION
VERSION     1.22    of what is built
SUFFIX      -       
JOBS        8       

SECRET   REQUIRED
npm      true
pip-8    

SSH       REQUIRED
default   

`,
    });
  });

  it('prints that of another target, and JSON', async () => {
    const { stdout } = await build({ Dockerfile: DESCRIBED }, '--call', 'outline', '--target', 'other');
    expect(stdout).toBe(
      'TARGET: other\n\nBUILD ARG   VALUE   DESCRIPTION\nOTHER       1       \n\nSSH     REQUIRED\nother   \n\n',
    );
    const base = await build({ Dockerfile: DESCRIBED }, '--call', 'outline,format=json', '--target', 'base');
    const line = (number: number) => ({ ranges: [{ start: { line: number }, end: { line: number } }] });
    expect(JSON.parse(base.stdout)).toEqual({
      name: 'base',
      description: 'has the tools',
      args: [
        { name: 'VERSION', description: 'of what is built', value: '1.22', location: line(2) },
        { name: 'SUFFIX', value: '-', location: line(3) },
        { name: 'JOBS', description: 'at a time', value: 'amd644', location: line(11) },
      ],
      secrets: [
        { name: 'npm', required: true, location: line(12) },
        { name: 'pip-amd644', location: line(12) },
      ],
      ssh: [{ name: 'default', location: line(12) }],
      sources: [Buffer.from(DESCRIBED).toString('base64')],
    });
  });

  it('fails where there is nothing to outline', async () => {
    const ran = await build({ Dockerfile: DESCRIBED }, '--call', 'outline', '--target', 'shiped');
    expect([ran.code, ran.stdout]).toEqual([1, '']);
    expect(ran.stderr).toContain('target stage "shiped" could not be found (did you mean shipped?)');
  });
});

describe('build --call targets', () => {
  it('lists the stages with what is said of them, and which one is the default', async () => {
    const ran = await build({ Dockerfile: DESCRIBED }, '--call=targets');
    expect(ran).toEqual({
      code: 0,
      stderr: '',
      stdout: `TARGET            DESCRIPTION
base              has the tools
other             
                  
shipped (default) is what users get
`,
    });
    const json = JSON.parse((await build({ Dockerfile: DESCRIBED }, '--call=targets,format=json')).stdout);
    expect(json.targets[0]).toEqual({
      name: 'base',
      description: 'has the tools',
      base: '127.0.0.1:1/go:${VERSION}${SUFFIX}',
      location: { ranges: [{ start: { line: 8 }, end: { line: 8 } }] },
    });
    expect(json.targets.map((target: { default?: true }) => target.default)).toEqual([
      undefined,
      undefined,
      undefined,
      true,
    ]);
  });

  it('lists those of files that would not build, but none of files that do not parse', async () => {
    const lost = 'FROM scratch AS a\nCOPY --from=nope$x / /\n';
    expect((await build({ Dockerfile: lost }, '--call=targets')).stdout).toContain('a (default)');
    const broken = await build({ Dockerfile: 'FROM scratch AS a\nCOPPY x /\n' }, '--call=targets');
    expect([broken.code, broken.stdout]).toEqual([1, '']);
    expect(broken.stderr).toContain('unknown instruction: COPPY');
  });
});

describe('a build whose Dockerfile has findings', () => {
  const FILE = 'FROM scratch as a\nCOPY Dockerfile \\\n\n  $NONE/x\n';
  const NOTE = `
 3 warnings found (use --check to expand):
 - FromAsCasing: 'as' and 'FROM' keywords' casing do not match (line 1)
 - UndefinedVar: Usage of undefined variable '$NONE' (line 2)
 - NoEmptyContinuation: Empty continuation line (line 4)
`;

  it('tells of them once, at its end, and is built', async () => {
    const ran = await build({ Dockerfile: FILE }, '--progress', 'plain');
    expect(ran.code).toBe(0);
    expect(ran.stderr).toContain(`${NOTE}\nBuilt `);
    expect(ran.stderr).not.toContain('warning:');
    const tty = await build({ Dockerfile: FILE }, '--progress', 'tty');
    expect(tty.stderr).toContain(`${NOTE}\nBuilt `);
  });

  it('tells of those of the stages that are built, once for all platforms', async () => {
    const wide = await build({ Dockerfile: TWO }, '--platform', 'linux/amd64,linux/arm64');
    expect(wide.stderr.match(/JSONArgsRecommended/g)).toHaveLength(1);
    expect(wide.stderr).toContain('1 warning found (use --check to expand):\n');
  });

  it('tells of the first of very many', async () => {
    const ports = Array.from({ length: 60 }, (_, port) => `${port}/TCP`);
    const { stderr } = await build({ Dockerfile: `FROM scratch\nEXPOSE ${ports.join(' ')}\n` });
    expect(stderr).toContain(' 60 warnings found (use --check to expand):\n');
    expect(stderr).toMatch(/protocol '49\/TCP' .*\n … and 10 more\n\nBuilt /);
  });

  it('says nothing with -q', async () => {
    const ran = await build({ Dockerfile: FILE }, '-q');
    expect([ran.code, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout).toMatch(/^sha256:[0-9a-f]{64}\n$/);
  });

  it('has them among its events with --progress rawjson', async () => {
    const ran = await build({ Dockerfile: FILE }, '--progress', 'rawjson');
    const events = ran.stderr
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const [first, ...more] = events.flatMap(({ warnings }) => warnings ?? []);
    expect(more).toHaveLength(2);
    expect(Buffer.from(first.short, 'base64').toString()).toBe(
      "FromAsCasing: 'as' and 'FROM' keywords' casing do not match (line 1)",
    );
    expect(first).toMatchObject({
      level: 1,
      url: 'https://docs.docker.com/go/dockerfile/rule/from-as-casing/',
      range: [{ start: { line: 1 }, end: { line: 1 } }],
      sourceInfo: { filename: 'Dockerfile', language: 'Dockerfile' },
    });
  });

  it('fails before anything runs where they are errors, with -q too', async () => {
    const text = `# check=error=true\n${FILE}`;
    const ran = await build({ Dockerfile: text }, '-t', 'failing');
    expect([ran.code, ran.stdout]).toEqual([1, '']);
    expect(ran.stderr).toMatch(/^\n 3 warnings found/);
    expect(ran.stderr).toContain(
      'dobos: lint violation found for rules: FromAsCasing, UndefinedVar, NoEmptyContinuation\n',
    );
    expect(ran.stderr).not.toContain('#1');
    const quiet = await build(
      { Dockerfile: FILE },
      '-q',
      '--build-arg',
      'BUILDKIT_DOCKERFILE_CHECK=error=true',
    );
    expect(quiet.code).toBe(1);
    expect(quiet.stderr).toMatch(/^dobos: lint violation found for rules: /);
    const skipped = await build({ Dockerfile: `# check=skip=all;error=true\n${FILE}` });
    expect(skipped.code).toBe(0);
    expect(skipped.stderr).not.toContain('found');
  });

  it('tells of a base for another platform once', async () => {
    await build(
      { Dockerfile: 'FROM scratch\nCOPY Dockerfile /\n' },
      '-q',
      '-t',
      'arm',
      '--platform',
      'linux/arm64',
    );
    const text = 'FROM arm\nCOPY --from=arm /Dockerfile /x\n';
    const ran = await build({ Dockerfile: text }, '--pull=never', '--platform', 'linux/amd64');
    expect(ran.stderr.match(/linux\/arm64/g)).toHaveLength(1);
    expect(ran.stderr).toContain(
      'InvalidBaseImagePlatform: Base image arm was pulled with platform "linux/arm64", expected "linux/amd64" for current build (line 1)',
    );
  });
});
