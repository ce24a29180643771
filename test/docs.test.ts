import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { transformSync } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { commandsPage, errorsPage, explorePage, rulesPage } from '../scripts/generate-docs.ts';
import { COMMANDS, findCommand } from '../src/cli/commands.ts';
import { parseArguments } from '../src/cli/parse-arguments.ts';
import { tarEntry } from './support/built-command.ts';

const ANEW = 'npm run docs writes it anew';

describe('generated pages', () => {
  it('docs/cli.md is the help of the commands', async () => {
    expect(readFileSync('docs/cli.md', 'utf8'), ANEW).toBe(await commandsPage());
  });

  it('docs/errors.md has the wordings of every room', async () => {
    const page = await errorsPage((module) => import(pathToFileURL(resolve('src', `${module}.ts`)).href));
    expect(readFileSync('docs/errors.md', 'utf8'), ANEW).toBe(page);
  });

  it('docs/rules.md has every rule with its reasons and examples', () => {
    expect(readFileSync('docs/rules.md', 'utf8'), ANEW).toBe(rulesPage());
  });

  it('docs/explore.md has the keys of the terminal explorer', () => {
    const page = readFileSync('docs/explore.md', 'utf8');
    expect(page, ANEW).toBe(explorePage(page));
    expect(page).toContain('Ctrl-F');
  });
});

/** The `dobos …` lines of the fenced blocks of a page, as words. */
function commandLines(text: string): string[][] {
  const blocks = [...text.matchAll(/^```(?:sh)?\n(.*?)^```$/gms)].map((match) => match[1]!);
  return blocks.flatMap((block) =>
    [...block.matchAll(/^(?:\$ )?(?:[A-Z_]+=\S+ )*dobos (.*)$/gm)].map((match) => wordsOf(match[1]!)),
  );
}

/** As a shell splits a simple command, up to a pipe, a redirection or a comment. */
function wordsOf(line: string): string[] {
  const end = /(?<=\s)(?:[|>#;&]|2>)(?=.*$)/.exec(
    line.replace(/'[^']*'|"[^"]*"/g, (text) => '_'.repeat(text.length)),
  );
  const simple = end === null ? line : line.slice(0, end.index);
  return [...simple.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare!,
  );
}

describe('command lines that people copy', () => {
  const pages = [
    'README.md',
    'docs/dockerfile.md',
    'docs/containers.md',
    'docs/ci.md',
    ...readdirSync('docs/lessons').map((file) => `docs/lessons/${file}`),
  ];

  it.each(pages)('%s has only lines that parse', async (page) => {
    const lines = commandLines(readFileSync(page, 'utf8'));
    for (const words of lines) {
      const found = findCommand(words);
      expect(found, `dobos ${words.join(' ')}`).toBeDefined();
      await parseArguments(await found!.command.load(), found!.rest);
    }
  });

  it('the examples of every command parse as that command', async () => {
    for (const row of COMMANDS) {
      const spec = await row.load();
      const lines = commandLines(`\`\`\`\n${spec.examples.join('\n')}\n\`\`\``);
      for (const words of lines) {
        const found = findCommand(words);
        expect(found, words.join(' ')).toBeDefined();
        await parseArguments(await found!.command.load(), found!.rest);
      }
      expect(spec.examples.length, row.name).toBeGreaterThanOrEqual(2);
      expect([spec.name, ...spec.aliases], row.name).toEqual([row.name, ...row.aliases]);
    }
  });
});

describe('docs/dockerfile.md', () => {
  it('names a test for every option of build', async () => {
    const { command } = findCommand(['build'])!;
    const page = readFileSync('docs/dockerfile.md', 'utf8');
    const rows = /## What holds it(.*?)\n## /s.exec(page)![1]!;
    const named = new Set([...rows.matchAll(/`(--[a-z-]+)/g)].map((match) => match[1]));
    const options = (await command.load()).options.map(({ flags }) => /--[a-z-]+/.exec(flags)![0]);
    const missing = options.filter((name) => !named.has(name));
    expect(missing, 'rows of its table are missing').toEqual([]);
  });
});

describe('links', () => {
  it.each([
    'README.md',
    'CONTRIBUTING.md',
    'docs/ARCHITECTURE.md',
    'docs/containers.md',
    'docs/ci.md',
    'docs/lessons/README.md',
  ])('%s links to files that are there', (page) => {
    const folder = resolve(page, '..');
    const links = [...readFileSync(page, 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g)].map(
      (match) => match[1]!,
    );
    expect(links.filter((link) => !existsSync(resolve(folder, link)))).toEqual([]);
  });
});

/** In order: the later ones use what the earlier ones leave in the folder. */
const EXAMPLES = [
  'oci',
  'dockerfile',
  'lint',
  'template',
  'compress',
  'tar',
  'store',
  'http',
  'layer',
  'image',
  'explore',
  'build',
];

/** Need more than a folder: a kernel that makes containers, a registry. Their types are checked. */
const SHOWN = ['run', 'registry'];

describe('examples of the library', () => {
  let work: string;
  beforeAll(() => {
    // Inside the package, so that its own name leads to the built files.
    mkdirSync('.cache', { recursive: true });
    work = mkdtempSync(resolve('.cache', 'examples-'));
    const root = Buffer.concat([tarEntry({ name: 'hello.txt' }, Buffer.from('hello\n')), Buffer.alloc(1024)]);
    writeFileSync(join(work, 'root.tar.gz'), gzipSync(root));
  });
  afterAll(() => rmSync(work, { recursive: true, force: true }));

  it.each(EXAMPLES)('%s.ts prints what its comments say', (name) => {
    const source = readFileSync(`examples/library/${name}.ts`, 'utf8');
    const { code } = transformSync(source, { loader: 'ts', format: 'esm' });
    const script = join(work, `${name}.mjs`);
    writeFileSync(script, code);
    const { stdout, stderr } = spawnSync(process.execPath, [script], { cwd: work, encoding: 'utf8' });
    const said = [...source.matchAll(/; \/\/ (.*)$/gm)].flatMap((match) => match[1]!.split(', '));
    const wanted = name === 'template' ? ['app: 1.0, latest'] : said;
    expect(stdout.trimEnd().split('\n'), stderr).toEqual(wanted);
  });

  it('README.md shows them as they are', () => {
    const readme = readFileSync('README.md', 'utf8');
    const shown = [...EXAMPLES, ...SHOWN].filter((name) => {
      const source = readFileSync(`examples/library/${name}.ts`, 'utf8');
      return readme.includes(source.trimEnd());
    });
    expect(shown).toEqual([...EXAMPLES, ...SHOWN]);
  });
});
