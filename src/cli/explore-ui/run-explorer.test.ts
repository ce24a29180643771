import { describe, expect, it } from 'vitest';
import { putExploredImage } from '../../../test/support/explored-image.ts';
import { fakeTerminal } from '../../../test/support/fake-terminal.ts';
import { openExploration } from '../../explore/explore-image.ts';
import { createMemoryStore } from '../../store/memory-store.ts';
import type { Terminal } from '../terminal.ts';
import { runExplorer } from './run-explorer.ts';
import { openScreen } from './screen.ts';
import { createSubject } from './state.ts';

const ENTERED = '\u001b[?1049h\u001b[?25l\u001b[?2004h';
const LEFT = '\u001b[?2004l\u001b[0m\u001b[?25h\u001b[?1049l';

/** An explorer on a terminal that a test types on; the end of its session. */
async function session(o: Partial<Terminal> = {}) {
  const store = createMemoryStore();
  const subject = createSubject('app:1', await openExploration(store, await putExploredImage(store)));
  let type: (bytes: Uint8Array | undefined) => void = () => {};
  let kill: (signal: NodeJS.Signals) => void = () => {};
  let resize = (): void => {};
  let listeners = 0;
  const terminal = fakeTerminal({
    width: 100,
    listen: (raw, take) => {
      listeners++;
      type = take;
      expect(raw).toBe(true);
      return () => void listeners--;
    },
    onResize: (take) => {
      resize = take;
      return () => {
        resize = () => {};
      };
    },
    ...o,
  });
  const ended = runExplorer({
    subject,
    files: { read: async () => ({ bytes: new Uint8Array(), size: 0 }), extract: async () => '' },
    open: (on) => openScreen(terminal, on),
    takeSignals: (take) => {
      kill = take;
    },
  });
  return {
    terminal,
    ended,
    type: (text: string) => type(Buffer.from(text)),
    hangUp: () => type(undefined),
    kill: (signal: NodeJS.Signals) => kill(signal),
    resize: () => resize(),
    listeners: () => listeners,
  };
}

describe('a session on a terminal', () => {
  it('takes it over and gives it back', async () => {
    const { ended, type, terminal, listeners } = await session();
    type('q');
    expect(await ended).toBe(0);
    expect(terminal.stdout().startsWith(ENTERED)).toBe(true);
    expect(terminal.stdout().endsWith(LEFT)).toBe(true);
    expect(terminal.stderr()).toBe('');
    expect(listeners()).toBe(0);
  });
  it.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('ends with %s', async (signal, code) => {
    const { ended, kill, terminal } = await session();
    kill(signal);
    expect(await ended).toBe(code);
    expect(terminal.stdout().endsWith(LEFT)).toBe(true);
  });
  it('ends when nobody types any more', async () => {
    const { ended, hangUp } = await session();
    hangUp();
    expect(await ended).toBe(129);
  });
  it('gives it back when something fails, and tells', async () => {
    let rows = 24;
    const { ended, type, terminal, listeners } = await session({
      rows: () => {
        if (rows < 0) throw new Error('no such window');
        return rows;
      },
    });
    rows = -1;
    type('j');
    await expect(ended).rejects.toThrow('no such window');
    expect(terminal.stdout().endsWith(LEFT)).toBe(true);
    expect(listeners()).toBe(0);
  });
  it('draws nothing for a key that changes nothing', async () => {
    const { ended, type, terminal, resize } = await session();
    // Until what is counted piece by piece is on the screen.
    for (let quiet = 0, before = 0; quiet < 200; quiet++) {
      await new Promise((resolve) => setImmediate(resolve));
      if (terminal.stdout().length !== before) quiet = 0;
      before = terminal.stdout().length;
    }
    const drawn = terminal.stdout().length;
    type('\u001b[24~');
    await new Promise((resolve) => setImmediate(resolve));
    expect(terminal.stdout().length).toBe(drawn);
    resize();
    await new Promise((resolve) => setImmediate(resolve));
    expect(terminal.stdout().slice(drawn)).toContain('\u001b[2J');
    type('q');
    await ended;
  });
  it('writes each frame in one piece that terminals show at once, a slow one fewer of them', async () => {
    const writes: string[] = [];
    const waiting: (() => void)[] = [];
    const { ended, type } = await session({
      out: (text) =>
        new Promise((resolve) => {
          writes.push(String(text));
          // The way in and out is not what is slow here.
          if (String(text).includes('?2026h')) waiting.push(resolve);
          else resolve();
        }),
    });
    const frames = (): string[] => writes.filter((text) => text.includes('?2026h'));
    for (const key of 'jjjj') {
      type(key);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(frames()).toHaveLength(1);
    waiting.shift()!();
    await new Promise((resolve) => setImmediate(resolve));
    expect(frames()).toHaveLength(2);
    for (const frame of frames()) expect(frame).toMatch(/^\u001b\[\?2026h[\s\S]*\u001b\[\?2026l$/);
    type('q');
    waiting.shift()!();
    expect(await ended).toBe(0);
  });
});
