import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The house: a room imports rooms of lower floors and its own files. Change it in one commit with a decision record. */
const FLOORS: Readonly<Record<string, number>> = {
  base: 0,
  oci: 1, tar: 1, compress: 1, dockerfile: 1, template: 1, terminal: 1, yaml: 1, linux: 1,
  http: 2, store: 2,
  layer: 3, registry: 3,
  image: 4,
  rootfs: 5, explore: 5, lint: 5,
  runtime: 6,
  build: 7, containers: 7,
  improve: 8,
  app: 9,
  cli: 10, ui: 10, lsp: 10,
}; // biome-ignore format: a table reads better by floor
const PURE_ROOMS = ['oci', 'dockerfile', 'template', 'terminal', 'yaml', 'lint'];
const DOORS = ['cli', 'ui', 'lsp'];
const MAX_LINES = 400;
/** Who may start which programs. The runtime room also starts the OCI runtime that the user names. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  runtime: [
    'unshare',
    'setpriv',
    'nsenter',
    'newuidmap',
    'newgidmap',
    'runc',
    'crun',
    'youki',
    'runsc',
    'kata-runtime',
    'ip',
    'nft',
    'slirp4netns',
    'pasta',
  ],
  compress: ['xz', 'bzip2'],
  build: ['git'],
  registry: ['docker-credential-'],
  // Its own worker only.
  containers: [],
};

interface Source {
  readonly file: string;
  readonly room: string;
  readonly text: string;
  readonly imports: readonly string[];
}

/** Import specifiers of a module: static, dynamic, type-only, and worker files. */
function importsOf(text: string): string[] {
  const code = text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/^\s*\/\/.*$/gm, '');
  const found = [...code.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g)].map((match) => match[1]!);
  return [
    ...found,
    ...[...code.matchAll(/new URL\(\s*['"](\.[^'"]+)['"]\s*,\s*import\.meta\.url/g)].map(
      (match) => match[1]!,
    ),
  ];
}

function parseSource(file: string, text: string): Source {
  const parts = file.split('/');
  const imports = importsOf(text).map((specifier) =>
    specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier,
  );
  return { file, room: parts.length > 2 ? parts[1]! : '', text, imports };
}

function readSources(): Source[] {
  return readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => join('src', file))
    .sort()
    .map((file) => parseSource(file, readFileSync(file, 'utf8')));
}

function floorProblems(sources: readonly Source[]): string[] {
  const problems: string[] = [];
  for (const { file, room, imports } of sources) {
    if (room === '') continue;
    const floor = FLOORS[room];
    if (floor === undefined) problems.push(`${file}: room ${room} has no floor`);
    for (const target of imports.filter((path) => path.startsWith('src/'))) {
      const other = target.split('/')[1]!;
      if (other !== room && !((FLOORS[other] ?? Number.POSITIVE_INFINITY) < (floor ?? -1))) {
        problems.push(`${file} imports ${target}: not a lower floor`);
      }
    }
  }
  return problems;
}

function circles(sources: readonly Source[]): string[] {
  const byFile = new Map(sources.map((source) => [source.file, source]));
  const state = new Map<string, 'open' | 'done'>();
  const problems: string[] = [];
  const visit = (file: string, path: readonly string[]): void => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      problems.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      return;
    }
    state.set(file, 'open');
    for (const target of byFile.get(file)?.imports ?? [])
      if (byFile.has(target)) visit(target, [...path, file]);
    state.set(file, 'done');
  };
  for (const { file } of sources) visit(file, []);
  return problems;
}

/** Every `node:` import that a file of a pure room reaches through any path. */
function impurities(sources: readonly Source[]): string[] {
  const byFile = new Map(sources.map((source) => [source.file, source]));
  const problems: string[] = [];
  for (const start of sources.filter(({ room }) => PURE_ROOMS.includes(room))) {
    const seen = new Set<string>();
    const queue = [start.file];
    for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
      if (seen.has(file)) continue;
      seen.add(file);
      for (const target of byFile.get(file)?.imports ?? []) {
        if (target.startsWith('node:')) problems.push(`${start.file} reaches ${target} through ${file}`);
        else if (byFile.has(target)) queue.push(target);
      }
    }
  }
  return problems;
}

const withoutComments = (text: string): string =>
  text.replace(/\/\*[\s\S]*?\*\//g, '').replace(/\/\/.*$/gm, '');

function doorProblems(sources: readonly Source[]): string[] {
  const forbidden = /\bconsole\.|\bprocess\.(?:exit\b|env\b|stdout\b|stderr\b|argv\b)/;
  const isProgram = (file: string): boolean => file.endsWith('-worker.ts');
  return sources
    .filter(({ room, file }) => !DOORS.includes(room) && !isProgram(file))
    .filter(({ text }) => forbidden.test(withoutComments(text)))
    .map(({ file, text }) => `${file} uses ${forbidden.exec(withoutComments(text))?.[0]}`);
}

function koffiProblems(sources: readonly Source[]): string[] {
  return sources
    .filter(({ room, text }) => room !== 'linux' && /['"]koffi['"]/.test(withoutComments(text)))
    .map(({ file }) => `${file} loads koffi`);
}

function programProblems(sources: readonly Source[]): string[] {
  const problems: string[] = [];
  for (const { file, room, text, imports } of sources) {
    if (!imports.includes('node:child_process')) continue;
    const allowed = PROGRAMS[room];
    if (allowed === undefined) problems.push(`${file} starts programs, and its room may not`);
    if (/\bexec\(|\bexecSync\(|shell:\s*true/.test(withoutComments(text)))
      problems.push(`${file} starts a shell`);
    for (const [, program] of withoutComments(text).matchAll(
      /\b(?:spawn|spawnSync|execFile|execFileSync)\(\s*['"]([^'"]+)['"]/g,
    )) {
      if (!allowed?.some((name) => program!.startsWith(name))) problems.push(`${file} starts ${program}`);
    }
  }
  return problems;
}

const longFiles = (sources: readonly Source[]): string[] =>
  sources
    .map(({ file, text }) => ({ file, lines: text.split('\n').length }))
    .filter(({ lines }) => lines > MAX_LINES)
    .map(({ file, lines }) => `${file} has ${lines} lines`);

describe('the architecture', () => {
  const sources = readSources();

  it('has imports that only go down the floors', () => expect(floorProblems(sources)).toEqual([]));
  it('has no import circle, types included', () => expect(circles(sources)).toEqual([]));
  it('keeps pure rooms free of node', () => expect(impurities(sources)).toEqual([]));
  it('lets only the doors print, exit or read the environment', () =>
    expect(doorProblems(sources)).toEqual([]));
  it('lets only linux load koffi', () => expect(koffiProblems(sources)).toEqual([]));
  it('starts only the listed programs, and never a shell', () =>
    expect(programProblems(sources)).toEqual([]));
  it('has no file over 400 lines', () => expect(longFiles(sources)).toEqual([]));

  it('has the rooms that docs/ARCHITECTURE.md describes, and no others', () => {
    const inSource = readdirSync('src', { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => entry.name);
    const table = readFileSync('docs/ARCHITECTURE.md', 'utf8').matchAll(/^\| `([a-z]+)\/` \| (\d+) \|/gm);
    const described = [...table].map((match) => [match[1]!, Number(match[2])] as const);
    expect(described.map(([room]) => room).sort()).toEqual(inSource.sort());
    expect(described.filter(([room, floor]) => FLOORS[room] !== floor)).toEqual([]);
  });
});

describe('the architecture test itself', () => {
  const made = (files: Readonly<Record<string, string>>): Source[] =>
    Object.entries(files).map(([file, text]) => parseSource(file, text));

  it('bites on an import that goes up, sideways, or into a room without a floor', () => {
    const up = made({ 'src/tar/a.ts': "import { x } from '../store/b.ts';", 'src/store/b.ts': '' });
    const aside = made({ 'src/tar/a.ts': "import type { x } from '../compress/b.ts';" });
    const attic = made({ 'src/attic/a.ts': '' });
    expect([up, aside, attic].map((sources) => floorProblems(sources).length)).toEqual([1, 1, 1]);
  });

  it('bites on a worker that is reached upwards', () => {
    expect(
      floorProblems(made({ 'src/tar/a.ts': "new URL('../layer/x-worker.ts', import.meta.url)" })),
    ).toHaveLength(1);
  });

  it('bites on a circle of types', () => {
    const files = {
      'src/tar/a.ts': "import type { b } from './b.ts';",
      'src/tar/b.ts': "import type { a } from './a.ts';",
    };
    expect(circles(made(files))).toEqual(['src/tar/a.ts -> src/tar/b.ts -> src/tar/a.ts']);
  });

  it('bites on node reached from a pure room through another file', () => {
    const files = {
      'src/oci/a.ts': "import { b } from '../base/b.ts';",
      'src/base/b.ts': "import 'node:fs';",
    };
    expect(impurities(made(files))).toHaveLength(1);
  });

  it('bites on printing, koffi, foreign programs, shells and long files', () => {
    expect(doorProblems(made({ 'src/store/a.ts': 'console.log(1)' }))).toHaveLength(1);
    expect(koffiProblems(made({ 'src/store/a.ts': "await import('koffi')" }))).toHaveLength(1);
    expect(
      programProblems(
        made({ 'src/compress/a.ts': "import { spawn } from 'node:child_process'; spawn('tar')" }),
      ),
    ).toHaveLength(1);
    expect(
      programProblems(made({ 'src/store/a.ts': "import { spawn } from 'node:child_process'; spawn(x)" })),
    ).toHaveLength(1);
    expect(
      programProblems(made({ 'src/compress/a.ts': "import { exec } from 'node:child_process'; exec('xz')" })),
    ).toHaveLength(1);
    expect(longFiles(made({ 'src/store/a.ts': '\n'.repeat(401) }))).toHaveLength(1);
  });
});
