import { beforeAll, describe, expect, it } from 'vitest';
import { putExploredImage } from '../../../test/support/explored-image.ts';
import { openExploration } from '../../explore/explore-image.ts';
import { createMemoryStore } from '../../store/memory-store.ts';
import { canvasLines, createCanvas, DIM, REVERSE, styleOf } from './canvas.ts';
import { createExplorer, type Explorer } from './explorer.ts';
import { createSubject, type Subject } from './state.ts';

let subject: Subject;
beforeAll(async () => {
  const store = createMemoryStore();
  const image = await putExploredImage(store);
  subject = createSubject('app:1', await openExploration(store, image));
});

interface Seat {
  readonly explorer: Explorer;
  readonly calls: string[];
  /** Presses keys, ends all work, and shows the screen. */
  press(...keys: readonly string[]): string[];
  screen(): string[];
}

function sit(o: { columns?: number; rows?: number; content?: Uint8Array; of?: Subject } = {}): Seat {
  const calls: string[] = [];
  const note = (call: string) => () => void calls.push(call);
  const explorer = createExplorer(o.of ?? subject, {
    read: async (layer, order) => {
      calls.push(`read ${layer} ${subject.indexes[layer]?.at(order).path}`);
      const bytes = o.content ?? Buffer.from('one\ntwo\n');
      return { bytes, size: bytes.length };
    },
    extract: async ({ layer, path, inode }, to) => {
      calls.push(`extract ${inode.kind} /${path} of layer ${layer}, stored in ${inode.layer}, to ${to}`);
      if (to === 'taken') throw new Error('there is something of that name');
      return to;
    },
    changed: note('changed'),
    redraw: note('redraw'),
    suspend: note('suspend'),
    quit: note('quit'),
  });
  const screen = (): string[] => {
    while (explorer.work(100));
    const canvas = createCanvas(o.columns ?? 120, o.rows ?? 40);
    explorer.draw(canvas);
    return canvasLines(canvas);
  };
  screen();
  const press = (...keys: readonly string[]): string[] => {
    for (const key of keys) explorer.press({ key });
    return screen();
  };
  return { explorer, calls, press, screen };
}

/** The rows of the files' pane, from their marks on. */
const files = (lines: readonly string[]): string[] =>
  lines
    .slice(2, -1)
    .flatMap((line) => (line.includes('│') ? [line.slice(line.indexOf('│') + 1).trimEnd()] : []));
const named = (lines: readonly string[], name: string): string =>
  files(lines).find((line) => line.includes(name)) ?? `no row ${name}`;
const cursor = (lines: readonly string[]): string =>
  files(lines).find((line) => line.startsWith('>')) ?? 'no cursor';

describe('the layers', () => {
  it('stand with the top of the image on top, which is selected', () => {
    const layers = sit()
      .screen()
      .slice(2, 7)
      .map((line) => line.slice(0, 4));
    expect(layers).toEqual(['> 4 ', '  3 ', '  2 ', '  1 ', ' ▁0 ']);
  });
  it('show what each changes, and stop at both ends', () => {
    const { press } = sit();
    expect(press('up')[1]).toContain('of layer 4');
    expect(press('j')[1]).toContain('of layer 3');
    expect(named(press(), 'server.js')).toMatch(/^ m/);
    expect(named(press(), 'motd')).toMatch(/^ =◌/);
    expect(press('end')[1]).toContain('of layer 0');
    expect(press('down')[1]).toContain('of layer 0');
    expect(named(press(), 'motd')).toMatch(/^ \+◌/);
  });
  it('are compared with the lowest one together, and one by one again', () => {
    const { press } = sit();
    const together = press('ctrl+a');
    expect(together[1]).toContain('layers 1–4 together');
    expect(named(together, 'server.js')).toMatch(/^ \+/);
    expect(press('ctrl+l')[1]).toContain('of layer 4');
  });
  it('are compared two by two when two are marked', () => {
    const { press } = sit();
    expect(press('m').at(-1)).toContain('layer 4 is marked');
    const compared = press('down', 'down', 'm');
    expect(compared[1]).toContain('layer 2 → layer 4');
    expect(named(compared, 'server.js')).toMatch(/^ m/);
    expect(named(compared, '.env')).toMatch(/^ -◌/);
    expect(press('esc')[1]).toContain('of layer 2');
  });
});

describe('the files', () => {
  it('carry marks for what happened to them', () => {
    const rows = sit().screen();
    expect(named(rows, '.env')).toMatch(/^ -◌ .* 23 B/);
    expect(named(rows, 'motd')).toMatch(/^ ~ /);
    expect(named(rows, 'bin/')).toMatch(/^> {3}/);
    expect(named(rows, 'lists/')).toMatch(/^ - .*991\.0 kB/);
  });
  it('never put on the screen what a terminal would obey', () => {
    const text = sit().screen().join('\n');
    expect(text).toContain('red\\x1b[31m.txt');
    expect(text).toContain('two\\nlines');
    expect(text).toContain('gpj.\\u202eexe');
    expect(text).toContain('日本語.txt');
    expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u202e]/);
  });
  it('fold one by one and all at once', () => {
    const { press } = sit();
    expect(files(press('tab', ' ')).some((line) => /▸ bin\/$/.test(line))).toBe(true);
    expect(named(press('ctrl+space'), 'server.js')).toBe('no row server.js');
    expect(named(press('right'), 'sh')).toContain('sh');
    expect(cursor(press('right'))).toMatch(/ sh$/);
    expect(cursor(press('left'))).toContain('bin/');
  });
  it('stay where the cursor is when another layer is shown', () => {
    const { press } = sit();
    press('tab', '/', ...'server', 'enter');
    expect(cursor(press())).toContain('server.js');
    expect(cursor(press('tab', 'down', 'down'))).toContain('server.js');
  });
  it('are left out by what happened to them', () => {
    const { press } = sit();
    const changed = press('tab', 'ctrl+u');
    expect(changed[1]).toContain('no unmodified');
    expect(named(changed, 'libc.so.6')).toBe('no row libc.so.6');
    expect(named(changed, '.env')).toMatch(/^ -/);
    expect(named(press('ctrl+r'), '.env')).toBe('no row .env');
    expect(named(press('enter'), 'motd')).toBe('no row motd');
    expect(files(press())[0]).toContain('nothing of it');
    expect(named(press('ctrl+u', 'ctrl+r', 'ctrl+m'), 'libc.so.6')).toContain('libc.so.6');
  });
  it('are sorted by size and by hidden bytes', () => {
    const { press } = sit();
    expect(files(press('tab', 'ctrl+o'))[0]).toContain('usr/');
    expect(files(press('ctrl+o'))[0]).toContain('var/');
    expect(files(press('ctrl+o'))[0]).toContain('bin/');
  });
  it('show the versions that nobody sees when they are asked for', () => {
    const { press } = sit();
    const rows = files(press('i')).filter((line) => line.includes('server.js'));
    expect(rows[0]).toMatch(/^ {2}◌ .*192 B .*server\.js {2}layer 2$/);
    expect(rows[1]).toMatch(/server\.js$/);
    expect(files(press('i')).filter((line) => line.includes('server.js'))).toHaveLength(1);
  });
  it('are gone through from one hidden file to the next, round and round', () => {
    const { press } = sit();
    const seen = ['x', 'x', 'x', 'x', 'x', 'x', 'x'].map((key) =>
      cursor(press(key)).trim().split(/ +/).slice(-3).join(' '),
    );
    expect(seen).toEqual(
      [
        'motd layer 0',
        'motd layer 3',
        'passwd layer 0',
        '23 B .env',
        'server.js layer 2',
        '840.0 kB debian_main_Packages',
        '151.0 kB debian_main_Release',
      ].map((want) => (want.includes('layer') ? expect.stringContaining(want) : want)),
    );
    expect(cursor(press('x'))).toContain('motd  layer 0');
    expect(press().at(-1)).toContain('from the beginning on');
  });
  it('are gone through with versions above one that is hidden later, too', () => {
    const { press } = sit();
    press('down', 'i');
    const seen = ['x', 'x', 'x', 'x'].map((key) => cursor(press(key)).trim());
    expect(seen.map((row) => row.split(/ +B +/)[1]?.replace(/ +/g, ' '))).toEqual(
      ['motd layer 0', 'motd', 'passwd layer 0', '.env'].map((want) => expect.stringContaining(want)),
    );
  });
  it('show mode and owner where there is room, until ctrl+b', () => {
    const { press } = sit({ columns: 160 });
    expect(named(press('tab'), 'sh')).toContain('-rwxr-xr-x');
    expect(named(press('ctrl+b'), 'sh')).not.toContain('-rwxr-xr-x');
    expect(named(sit({ columns: 80 }).screen(), 'sh')).not.toContain('-rwxr-xr-x');
  });
  it('wrap their names when that is wanted', () => {
    const { press } = sit({ columns: 60 });
    const cut = files(press('tab', 'end')).join('\n');
    expect(cut).toContain('…');
    const wrapped = files(press('ctrl+p', 'home')).join('\n');
    expect(wrapped).not.toContain('…');
  });
});

describe('the filter', () => {
  it('shows what matches as it is typed, and counts it', () => {
    const { press } = sit({ columns: 100 });
    const rows = press('ctrl+f', ...'lib*.so*');
    expect(rows.at(-1)).toMatch(/^filter: lib\*\.so\* .* 4 paths$/);
    const names = files(rows)
      .filter((line) => line !== '')
      .map((line) => line.slice(14).trim().replace('▾ ', '').split(' ')[0]);
    expect(names).toEqual(['usr/', 'lib/', 'libc.so', 'libc.so.6', 'libcurl.so.4', 'libcurl.so.4.8.0']);
    expect(press('enter')[1]).toContain('filter: lib*.so*');
    expect(named(press('esc'), 'bin/')).toContain('bin/');
  });
  it('takes texts, patterns and regular expressions, and says what is none', () => {
    const { press } = sit();
    press('ctrl+f');
    expect(named(press(...'CURL'), 'curl')).toBe('no row curl');
    expect(named(press('ctrl+u', ...'curl'), 'curl')).toContain('curl');
    expect(named(press('ctrl+u', ...'^/etc/m.*d$'), 'motd')).toContain('motd');
    expect(press('ctrl+u', ...'(').at(-1)).toContain('not a regular expression');
    expect(files(press('ctrl+u', ...'nothing-like-it'))[0]).toContain('nothing of it');
  });
  it('ends with escape', () => {
    const { press } = sit();
    expect(press('ctrl+f', ...'motd', 'esc')[1]).not.toContain('filter');
  });
  it('finds old versions too when they are shown', () => {
    const { press } = sit();
    const rows = files(press('i', 'ctrl+f', ...'server')).filter((line) => line.includes('server.js'));
    expect(rows).toHaveLength(2);
  });
});

describe('the search', () => {
  it('goes from one to the next, opens what is folded, and begins anew', () => {
    const { press } = sit();
    expect(cursor(press('tab', 'ctrl+space', '/', ...'curl', 'enter'))).toMatch(/ curl$/);
    expect(cursor(press('n'))).toContain('libcurl.so.4 →');
    expect(cursor(press('N'))).toMatch(/ curl$/);
    expect(press('/', ...'no such', 'enter').at(-1)).toContain('no path has no such');
  });
});

describe('a file', () => {
  it('is shown as text with the numbers of its lines', async () => {
    const seat = sit();
    seat.press('tab', '/', ...'server', 'enter', 'v');
    await Promise.resolve();
    const screen = seat.screen();
    expect(seat.calls).toContain('read 3 srv/app/server.js');
    expect(screen[1]).toMatch(/^━ \/srv\/app\/server\.js ━.* 8 B {2}2 lines ━$/);
    expect(screen.slice(2, 4)).toEqual([' 1 one', ' 2 two']);
    expect(seat.press('t')[2]).toBe(
      ' 00000000  6f 6e 65 0a 74 77 6f 0a                           |one.two.|',
    );
    expect(seat.press('q')[1]).toContain('Files');
    expect(seat.calls).not.toContain('quit');
  });
  it('is shown byte by byte where it is no text', async () => {
    const seat = sit({ content: Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 2]) });
    seat.press('tab', 'down', 'right');
    await Promise.resolve();
    expect(seat.screen()[2]).toContain('7f 45 4c 46 00 01 02');
  });
  it('never puts on the screen what a terminal would obey', async () => {
    const seat = sit({ content: Buffer.from('\u001b]0;title\u0007\u001b[2J\r\n') });
    seat.press('tab', 'down', 'v');
    await Promise.resolve();
    expect(seat.screen()[2]).toBe(' 1 \\x1b]0;title\\x07\\x1b[2J\\r');
  });
  it('is read from the layer that has the version', async () => {
    const seat = sit();
    seat.press('i', 'tab', '/', ...'server', 'enter', 'v');
    await Promise.resolve();
    expect(seat.calls).toContain('read 2 srv/app/server.js');
  });
  it('is written to disk under a name that is asked for', async () => {
    const seat = sit();
    expect(seat.press('tab', '/', ...'server', 'enter', 'ctrl+e').at(-1)).toBe('write it to: server.js');
    seat.press('ctrl+u', ...'taken', 'enter');
    await Promise.resolve();
    await Promise.resolve();
    expect(seat.screen().at(-1)).toContain('there is something of that name');
    seat.press('ctrl+u', ...'out.js', 'enter');
    await Promise.resolve();
    await Promise.resolve();
    expect(seat.calls).toContain('extract file /srv/app/server.js of layer 4, stored in 3, to out.js');
    expect(seat.screen().at(-1)).toContain('out.js is written');
  });
  it.each([
    ['a directory', ['/', ...'lib/apt', 'enter'], 'directory /var/lib/apt of layer 4, stored in 1'],
    [
      'a removed directory',
      ['/', ...'lists', 'enter'],
      'directory /var/lib/apt/lists of layer 3, stored in 1',
    ],
    ['a link', ['/', ...'libc.so', 'enter'], 'symlink /usr/lib/libc.so of layer 4, stored in 0'],
    [
      'an old version',
      ['i', 'tab', '/', ...'server', 'enter'],
      'file /srv/app/server.js of layer 2, stored in 2',
    ],
  ])('is written to disk as well if it is %s', async (_, keys, what) => {
    const seat = sit();
    seat.press('tab', ...keys, 'e', 'enter');
    await Promise.resolve();
    expect(seat.calls.find((call) => call.startsWith('extract'))).toContain(`extract ${what}, to `);
  });
  it('has bytes only if it is a regular one', () => {
    const { press } = sit();
    expect(press('tab', '/', ...'libc.so', 'enter', 'v').at(-1)).toContain(
      'a symbolic link to libc.so.6 holds no bytes',
    );
    expect(press('home', 'v').at(-1)).toContain('a directory holds no bytes');
  });
});

describe('the screen', () => {
  it('says what is too small for it', () => {
    expect(sit({ columns: 39, rows: 20 }).screen()[0]).toBe('needs 40×8');
    expect(sit({ columns: 10, rows: 1 }).screen()).toEqual(['needs 40×8']);
    expect(sit({ columns: 3, rows: 1 }).screen()).toEqual(['ne…']);
  });
  it('shows the cursor and the pane without colours', () => {
    const { explorer, press } = sit();
    press('tab');
    const canvas = createCanvas(120, 40);
    explorer.draw(canvas);
    const row = canvasLines(canvas).findIndex((line) => line.includes('│>'));
    const cell = row * 120 + canvasLines(canvas)[row]!.indexOf('bin');
    expect(canvas.style[cell]! & REVERSE).toBe(REVERSE);
    expect(canvas.style[2 * 120]! & (REVERSE | DIM)).toBe(REVERSE | DIM);
    expect(styleOf('hidden')).toBe(DIM);
  });
  it('has the help, which any key ends', () => {
    const { press } = sit();
    expect(press('?')[1]).toContain('Keys');
    expect(press('q')[1]).toContain('Layers');
  });
  it('leaves by q and ctrl+c, from a question too', () => {
    const { press, calls } = sit();
    press('ctrl+f', 'q', 'ctrl+c', 'esc', 'q', 'ctrl+z');
    expect(calls.filter((call) => call !== 'changed')).toEqual(['quit', 'quit', 'suspend']);
  });
  it('takes what is pasted as an answer only', () => {
    const { explorer, calls, screen } = sit();
    explorer.press({ pasted: 'q' });
    explorer.press({ key: 'ctrl+f' });
    explorer.press({ pasted: 'mo\ntd' });
    expect(screen().at(-1)).toContain('filter: motd');
    expect(calls).not.toContain('quit');
  });
  it('shows an image without layers or files', async () => {
    const store = createMemoryStore();
    const { scratchImage } = await import('../../image/scratch-image.ts');
    const empty = await openExploration(store, scratchImage({ os: 'linux', architecture: 'amd64' }));
    const { press } = sit({ of: createSubject('empty', empty) });
    for (const key of [
      'tab',
      'x',
      'v',
      'ctrl+e',
      'ctrl+o',
      ' ',
      'ctrl+u',
      'n',
      'i',
      'end',
      'pageup',
      'm',
      'tab',
      'm',
      'down',
      'ctrl+a',
    ])
      press(key);
    expect(press()[0]).toContain('no files at all');
  });
});
