import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ExitStatus, ProgramReach, RunWatch } from '../runtime/types.ts';
import { askContainer, type ControlInput, type ControlWatch } from './control-client.ts';
import { type ControlRequest, INPUT_WINDOW_BYTES } from './control-messages.ts';
import { type ControlServer, listenForControl } from './control-server.ts';

const PIECE = Buffer.alloc(64 * 1024, 'x');
const NAMED = { id: 'a'.repeat(64), name: 'box' };
const EXEC = { args: ['cat'], interactive: true, tty: true };

let folder: string;
let server: ControlServer;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'dobos-control-'));
});
afterEach(async () => {
  server.stop();
  await server.close({ code: 0 });
  rmSync(folder, { recursive: true, force: true });
});

/** A program that takes its input piece by piece, as it is told. */
function slowProgram() {
  const waiting: (() => void)[] = [];
  const sizes: number[] = [];
  let bytes = 0;
  const reach: ProgramReach = {
    write(given) {
      bytes += given.length;
      return new Promise((resolve) => waiting.push(resolve));
    },
    end: () => {},
    resize: ({ rows }) => void sizes.push(rows),
  };
  return {
    reach,
    sizes,
    given: () => bytes,
    take: () => waiting.splice(0).forEach((resolve) => void resolve()),
  };
}

/** A keeper whose programs end when they are told to; aborted ones tell. */
function keeperOf(reach: ProgramReach) {
  let end: (exit: ExitStatus) => void = () => {};
  const aborted: string[] = [];
  return {
    aborted,
    end: (exit: ExitStatus) => end(exit),
    keeper: {
      exec: (_: string, process: { readonly args: readonly string[] }, o: RunWatch = {}) => {
        o.onStarted?.(reach);
        o.signal?.addEventListener('abort', () => aborted.push(process.args[0]!));
        return new Promise<ExitStatus>((resolve) => {
          end = resolve;
        });
      },
      signalContainer: async () => {},
    },
  };
}

async function ask(request: object, o: ControlWatch = {}): Promise<ExitStatus | undefined> {
  const records = { folderOf: () => folder, get: () => ({ state: { kind: 'running' } }) };
  return askContainer(records as never, NAMED, request as ControlRequest, o);
}

/** Asks, and gives what leads to the program once it runs. */
async function connect(request: object) {
  let asked: Promise<ExitStatus | undefined> | undefined;
  const input = await new Promise<ControlInput>((resolve) => {
    asked = ask(request, { onStarted: resolve });
  });
  return { input, asked: asked! };
}

/** Writes until there is no room for more. */
async function writeAll(input: ControlInput, program: ReturnType<typeof slowProgram>) {
  const before = program.given();
  for (let bytes = PIECE.length; ; bytes += PIECE.length) {
    let hasRoom = false;
    const room = input.write(PIECE).then(() => {
      hasRoom = true;
    });
    // When the program has it, whoever sent it has long been told whether there is room.
    await expect.poll(program.given).toBe(before + bytes);
    if (!hasRoom) return { bytes, room };
  }
}

describe('input of a program that does not read', () => {
  it('waits with whoever makes it, and goes on when the program does', async () => {
    const program = slowProgram();
    server = await listenForControl({ ...keeperOf(program.reach), folder, program: program.reach });
    const { input } = await connect({ do: 'attach' });
    const { bytes, room } = await writeAll(input, program);
    expect(bytes).toBeLessThanOrEqual(INPUT_WINDOW_BYTES);
    await expect.poll(program.given).toBe(bytes);
    program.take();
    await room;
    await input.detach();
  });

  it('does not keep others from it, nor a size or the end of the visit from being heard', async () => {
    const program = slowProgram();
    server = await listenForControl({ ...keeperOf(program.reach), folder, program: program.reach });
    const first = await connect({ do: 'attach' });
    await writeAll(first.input, program);
    const second = await connect({ do: 'attach' });
    await second.input.write(Buffer.from('of the second'));
    second.input.resize({ columns: 10, rows: 7 });
    first.input.resize({ columns: 10, rows: 8 });
    await expect.poll(() => [...program.sizes].sort()).toEqual([7, 8]);
    await first.input.detach();
    expect(await first.asked).toBeUndefined();
    await second.input.detach();
    expect(await second.asked).toBeUndefined();
  });

  it('is left behind by who leaves a terminal, whose program goes on', async () => {
    const program = slowProgram();
    const { keeper, aborted, end } = keeperOf(program.reach);
    server = await listenForControl({ keeper, folder });
    const { input, asked } = await connect({ do: 'exec', process: EXEC, detach: false });
    await writeAll(input, program);
    await input.detach();
    expect(await asked).toBeUndefined();
    // One that is cut off is ended, as a terminal that is closed takes along what runs in it: told after the first.
    const stop = new AbortController();
    const cut = ask(
      { do: 'exec', process: { ...EXEC, args: ['cut'] }, detach: false },
      { signal: stop.signal, onStarted: () => stop.abort() },
    );
    await expect(cut).rejects.toThrow();
    await expect.poll(() => aborted).toEqual(['cut']);
    end({ code: 0 });
  });

  it('is left by who has not read what the program prints, whose program goes on all the same', async () => {
    const program = slowProgram();
    const aborted: number[] = [];
    const ends: (() => void)[] = [];
    const keeper = {
      exec: async (_: string, __: object, o: RunWatch = {}) => {
        o.onStarted?.({ ...program.reach, write: async () => {} });
        let goesOn = true;
        ends.push(() => {
          goesOn = false;
        });
        o.signal?.addEventListener('abort', () => aborted.push(ends.length));
        while (goesOn) {
          await o.onEvent?.({ stream: 'stdout', bytes: PIECE.subarray(0, 1000) });
          await new Promise((resume) => setImmediate(resume));
        }
        return { code: 0 };
      },
      signalContainer: async () => {},
    };
    server = await listenForControl({ keeper, folder });
    for (let round = 0; round < 30; round++) {
      let input: ControlInput | undefined;
      let heard = 0;
      const asked = ask(
        { do: 'exec', process: EXEC, detach: false },
        {
          onStarted: (to) => {
            input = to;
          },
          onOutput: async () => {
            if (++heard !== 3) return;
            void input!.write(Buffer.from('typed'));
            void input!.detach();
          },
        },
      );
      expect(await asked).toBeUndefined();
    }
    for (const end of ends) end();
    // A connection that goes away says so by now: this one came after all of them.
    await ask({ do: 'signal', signal: 'SIGTERM', to: 'first' });
    expect(aborted).toEqual([]);
  });

  it('is read no further when whoever sends does not wait', async () => {
    const program = slowProgram();
    server = await listenForControl({ ...keeperOf(program.reach), folder, program: program.reach });
    const { input } = await connect({ do: 'attach' });
    for (let piece = 0; piece < 64; piece++) void input.write(PIECE);
    await expect.poll(program.given).toBeGreaterThan(INPUT_WINDOW_BYTES);
    expect(program.given()).toBeLessThanOrEqual(INPUT_WINDOW_BYTES + PIECE.length);
    for (;;) {
      program.take();
      if (program.given() === 64 * PIECE.length) break;
      await new Promise((resume) => setImmediate(resume));
    }
    await input.detach();
  });
});

describe('programs that are started and left to themselves', () => {
  it('keep no connection: there is room for more of them than connections', async () => {
    const { keeper, aborted } = keeperOf(slowProgram().reach);
    server = await listenForControl({ keeper, folder });
    for (let program = 0; program < 300; program++)
      expect(await ask({ do: 'exec', process: { ...EXEC, tty: false }, detach: true })).toBeUndefined();
    expect(aborted).toEqual([]);
  });
});
