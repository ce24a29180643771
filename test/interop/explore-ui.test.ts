import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { createDirectoryStore } from '../../src/store/directory-store.ts';
import { randomOf } from '../support/built-command.ts';
import { putExploredImage } from '../support/explored-image.ts';
import { openTmux, type TmuxTerminal } from '../support/tmux.ts';

const SCREENS = 'test/fixtures/explore-screens';
const SCRIPT = resolve('dist/dobos.cjs');

// Many screens are waited for, each as long as a busy machine needs.
vi.setConfig({ testTimeout: 300_000 });

let folder: string;
let terminal: TmuxTerminal | undefined;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-explore-ui-'));
  await putExploredImage(createDirectoryStore(join(folder, 'store')));
  mkdirSync(join(folder, 'work'));
});
afterEach(() => {
  terminal?.close();
  terminal = undefined;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Sizes {
  readonly columns?: number;
  readonly rows?: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: string;
  readonly shell?: readonly string[];
}

/** Says how the terminal was before and after, and how the command ended. */
const AROUND = `echo before; stty -g >before; NODE "$DOBOS" explore ARGS; code=$?; stty -g >after; cmp -s before after && echo "same terminal, code $code" || echo "another terminal, code $code"; exec cat`;

function open(o: Sizes = {}): TmuxTerminal {
  const line = AROUND.replace('NODE', process.execPath).replace('ARGS', o.args ?? 'app:1');
  terminal = openTmux({
    columns: o.columns ?? 100,
    rows: o.rows ?? 30,
    folder: join(folder, 'work'),
    env: {
      PATH: '/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: folder,
      LANG: 'C.UTF-8',
      SHELL: '/bin/sh',
      DOBOS: SCRIPT,
      DOBOS_ROOT: join(folder, 'store'),
      SOURCE_DATE_EPOCH: '1700000000',
      ...o.env,
    },
    command: o.shell ?? ['/bin/sh', '-c', line],
  });
  return terminal;
}

const has = (text: string) => (screen: readonly string[]) => screen.some((line) => line.includes(text));
const waitFor = (tmux: TmuxTerminal, text: string): Promise<string[]> =>
  tmux.until(has(text), JSON.stringify(text));
/** The row under the cursor of the files' pane. */
const cursorHas = (text: string) => (screen: readonly string[]) =>
  screen.some((line) => line.includes('│>') && line.includes(text));

/** It has ended so, the terminal is as it was, and what was on the screen before is there again. */
async function ended(tmux: TmuxTerminal, code: number): Promise<void> {
  const screen = await waitFor(tmux, `terminal, code`);
  expect(screen.slice(0, 2)).toEqual(['before', `same terminal, code ${code}`]);
  expect([tmux.value('alternate_on'), tmux.value('cursor_flag')]).toEqual(['0', '1']);
}

const SIZES = [
  [60, 15],
  [80, 24],
  [200, 50],
] as const;
const SHOWN: readonly (readonly [name: string, keys: readonly string[]])[] = [
  ['open', []],
  ['files', ['Tab', 'i', 'x', 'x', 'x']],
  ['compare', ['m', 'Down', 'Down', 'm', 'Tab', 'C-u']],
  ['view', ['Tab', '/', 's', 'e', 'r', 'v', 'e', 'r', 'Enter', 'v']],
  ['filter', ['C-f', '*', '.', 't', 'x', 't']],
  ['help', ['?']],
];

/** The screen once it stays as it is; for writing the files anew, with DOBOS_NEW_SCREENS=1: look at each before it is kept. */
async function settled(tmux: TmuxTerminal): Promise<string[]> {
  let last = '';
  let times = 0;
  return tmux.until((lines) => {
    const now = lines.join('\n');
    times = now === last ? times + 1 : 0;
    last = now;
    return times === 30;
  }, 'an end');
}

describe.each(SIZES)('screens of %i×%i', (columns, rows) => {
  it.each(SHOWN)('%s', async (name, keys) => {
    const tmux = open({ columns, rows });
    await waitFor(tmux, 'Layers');
    for (const key of keys) tmux.keys(key);
    const file = join(SCREENS, `${name}-${columns}x${rows}.txt`);
    if (process.env.DOBOS_NEW_SCREENS === '1') {
      writeFileSync(file, `${(await settled(tmux)).join('\n')}\n`);
      return;
    }
    const want = readFileSync(file, 'utf8').replace(/\n$/, '').split('\n');
    const got = await tmux
      .until((lines) => lines.join('\n') === want.join('\n'), 'what the file has')
      .catch(() => tmux.screen());
    expect(got).toEqual(want);
  });
});

describe('a session', () => {
  it('opens, moves, filters, views, extracts, compares, and leaves the terminal as it was', async () => {
    const tmux = open();
    await waitFor(tmux, 'of layer 4');
    tmux.keys('Down', 'Down');
    await waitFor(tmux, 'of layer 2');
    tmux.keys('Tab', 'C-f');
    tmux.type('server');
    await tmux.until(
      (screen) =>
        screen.at(-1)?.startsWith('filter: server') === true && screen.at(-1)?.endsWith('1 path') === true,
      'one path',
    );
    tmux.keys('Enter', 'v');
    await waitFor(tmux, "1 import { createServer } from 'node:http';");
    tmux.keys('q', 'C-e');
    await waitFor(tmux, 'write it to: server.js');
    tmux.keys('Enter');
    await waitFor(tmux, 'server.js is written');
    expect(readFileSync(join(folder, 'work', 'server.js'), 'utf8')).toContain('hello from');
    tmux.keys('C-e', 'Enter');
    await waitFor(tmux, 'there already');
    tmux.keys('Escape');
    await tmux.until((screen) => !has('write it to')(screen), 'no question');
    tmux.keys('Escape', 'Tab', 'm', 'Up', 'm');
    await waitFor(tmux, 'layer 2 → layer 3');
    tmux.keys('q');
    await ended(tmux, 0);
  });

  it('shows and extracts what a later layer deleted', async () => {
    const tmux = open();
    await waitFor(tmux, 'of layer 4');
    tmux.keys('/');
    tmux.type('.env');
    tmux.keys('Enter');
    await tmux.until(cursorHas('.env'), 'the cursor on it');
    tmux.keys('v');
    await waitFor(tmux, '1 API_KEY=not-a-real-key');
    tmux.keys('Escape');
    await waitFor(tmux, 'Layers');
    tmux.keys('e', 'C-u');
    tmux.type('found.env');
    tmux.keys('Enter');
    await waitFor(tmux, 'found.env is written');
    expect(readFileSync(join(folder, 'work', 'found.env'), 'utf8')).toBe('API_KEY=not-a-real-key\n');
    tmux.keys('C-c');
    await ended(tmux, 0);
  });

  it('follows the size of the window, down to one that is too small', async () => {
    const tmux = open();
    await waitFor(tmux, 'of layer 4');
    tmux.resize(60, 15);
    await tmux.until((screen) => screen.length === 15 && has('of layer 4')(screen), 'the smaller screen');
    tmux.resize(30, 5);
    await waitFor(tmux, 'needs 40×8');
    tmux.resize(120, 40);
    await waitFor(tmux, 'of layer 4');
    tmux.keys('q');
    await ended(tmux, 0);
  });

  it('goes to the shell and comes back', async () => {
    const tmux = open({ shell: ['/bin/bash', '--norc', '-i'] });
    tmux.type(`PS1='ready> '; "${process.execPath}" "$DOBOS" explore app:1\n`);
    await waitFor(tmux, 'of layer 4');
    tmux.keys('C-z');
    await waitFor(tmux, 'Stopped');
    expect([tmux.value('alternate_on'), tmux.value('cursor_flag')]).toEqual(['0', '1']);
    tmux.type('echo shell is $((40+2))\n');
    await waitFor(tmux, 'shell is 42');
    tmux.type('fg\n');
    await waitFor(tmux, 'of layer 4');
    tmux.keys('Down');
    await waitFor(tmux, 'of layer 3');
    tmux.keys('q');
    await waitFor(tmux, 'shell is 42');
    tmux.type('echo code $?\n');
    await waitFor(tmux, 'code 0');
  });

  it.each([
    ['TERM', 143],
    ['INT', 130],
    ['HUP', 129],
  ] as const)('restores the terminal after SIG%s', async (signal, code) => {
    const tmux = open();
    await waitFor(tmux, 'of layer 4');
    process.kill(explorerBelow(Number(tmux.value('pane_pid'))), `SIG${signal}`);
    await ended(tmux, code);
  });

  it('leaves the terminal whole after a thousand keys', async () => {
    const seed = Number(process.env.DOBOS_SEED ?? Date.now() % 2 ** 31);
    const random = randomOf(seed);
    const keys = Array.from({ length: 1000 }, () => KEYS[Math.floor(random() * KEYS.length)]!);
    const tmux = open();
    await waitFor(tmux, 'of layer 4');
    try {
      for (let at = 0; at < keys.length; at += 50) tmux.keys(...keys.slice(at, at + 50));
      tmux.keys('C-c');
      await ended(tmux, 0);
    } catch (error) {
      throw new Error(`DOBOS_SEED=${seed} repeats it: ${(error as Error).message}`, { cause: error });
    }
  });
});

/** Every key but those that leave, and the slash, with which a file could be written anywhere. */
const KEYS: readonly string[] = [
  ...[
    'Up',
    'Down',
    'Left',
    'Right',
    'PageUp',
    'PageDown',
    'Home',
    'End',
    'Tab',
    'BTab',
    'Enter',
    'Escape',
    'Space',
    'BSpace',
    'C-Space',
  ],
  ...['C-a', 'C-b', 'C-d', 'C-e', 'C-f', 'C-l', 'C-o', 'C-p', 'C-r', 'C-u', 'C-w'],
  ...'abdeghijklmnstuvxGNX?.*[(0123é語'.split(''),
];

/** The command among the processes of a pane. */
function explorerBelow(parent: number): number {
  const [child = ''] = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').split(' ');
  if (child === '') throw new Error(`process ${parent} has no child`);
  return Number(child);
}

describe('where there is no whole terminal', () => {
  it('is a report for a terminal that can do nothing', async () => {
    const tmux = open({
      args: 'app:1',
      shell: ['/bin/sh', '-c', `TERM=dumb "${process.execPath}" "$DOBOS" explore app:1; exec cat`],
    });
    await waitFor(tmux, 'shipped but not visible');
    expect(tmux.value('alternate_on')).toBe('0');
  });
  it.each(['--report', '--summary'])('is the report with %s', async (option) => {
    const tmux = open({ args: `${option} app:1` });
    await waitFor(tmux, 'can go');
    await waitFor(tmux, 'same terminal, code 0');
  });
  it('is the report in a pipe', async () => {
    const tmux = open({ args: 'app:1 | cat' });
    await waitFor(tmux, 'can go');
    await waitFor(tmux, 'same terminal, code 0');
  });
});

describe('colours', () => {
  it('are those of the meanings', async () => {
    const tmux = open();
    await waitFor(tmux, 'of layer 4');
    // All of the screen may not be there yet.
    for (const colour of [/\u001b\[[0-9;]*31m[^\n]*\.env/, /\u001b\[[0-9;]*33m[^\n]*motd/])
      await expect.poll(() => tmux.screen(true).join('\n')).toMatch(colour);
  });
  it('are not there with NO_COLOR', async () => {
    const tmux = open({ env: { NO_COLOR: '1' } });
    await waitFor(tmux, 'of layer 4');
    expect(tmux.screen(true).join('\n')).not.toMatch(/\u001b\[(?:[0-9]+;)*3[0-7](?:;|m)/);
  });
});
