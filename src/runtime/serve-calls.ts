import { plainError } from '../base/errors.ts';
import type { Lease } from '../store/contract.ts';
import type { FromKeeper, KeeperCall, ToKeeper } from './keeper-messages.ts';
import { passSignal } from './pass-signal.ts';
import { answerCall, type KeeperTools } from './serve-keeper.ts';
import type { Output, ProgramReach } from './types.ts';

/** Answers a client's calls beside each other, and takes what else it says about them. */
export interface CallServer {
  /** Everything but `open` and `close`. Never rejects. */
  receive(message: Exclude<ToKeeper, { readonly kind: 'open' | 'close' }>): Promise<void>;
  /** Aborts all calls. */
  abort(): void;
  /** Told at once, and each time a call has ended, while none runs. */
  onIdle(listen: () => void): void;
  /** Gives back what keeps results until their client has named them. */
  release(): Promise<void>;
}

/** `send` returns when the client has taken the message, so that a slow one slows the container and nothing piles up here. */
export function createCallServer(
  tools: () => KeeperTools | undefined,
  send: (message: FromKeeper) => Promise<void>,
): CallServer {
  const running = new Map<number, AbortController>();
  /** Output on its way, by its call: what waits for the client to have dealt with it goes on. */
  const waiting = new Map<number, () => void>();
  const turns = new Map<number, Promise<void>>();
  /** Programs that run, by their call. */
  const reached = new Map<number, ProgramReach>();
  /** From the first call on, for life: what is committed here is nowhere else until the client has heard of it and named it. One that is given up before has nothing to leave behind. */
  let lease: Promise<Lease> | undefined;
  let idle: (() => void) | undefined;
  const tellIdle = (): void => {
    if (running.size === 0) idle?.();
  };

  /** Returns when the client has dealt with all output of the call that was sent before, in the order of the calls of this. */
  const turn = async (id: number): Promise<void> => {
    const before = turns.get(id);
    let release = (): void => {};
    const mine = new Promise<void>((resolve) => {
      release = resolve;
    });
    turns.set(id, mine);
    await before;
    waiting.set(id, release);
  };

  const answer = async (id: number, call: KeeperCall): Promise<void> => {
    const abort = new AbortController();
    running.set(id, abort);
    try {
      const opened = tools();
      if (opened === undefined) throw new Error('the keeper is not open yet');
      lease ??= opened.store.lease();
      await lease;
      const held = call.method === 'exec';
      const onEvent = async (output: Output): Promise<void> => {
        if (held) await turn(id);
        await send({ kind: 'output', id, output, held });
      };
      const onStarted = (program: ProgramReach): void => {
        reached.set(id, program);
        void send({ kind: 'started', id });
      };
      const result = await answerCall(opened, call, { signal: abort.signal, onEvent, onStarted });
      await send({ kind: 'done', id, result });
    } catch (error) {
      await send({ kind: 'failed', id, error: plainError(error) });
    } finally {
      running.delete(id);
      reached.delete(id);
      waiting.get(id)?.();
      waiting.delete(id);
      turns.delete(id);
      tellIdle();
    }
  };

  /** A program that has ended takes everything. */
  const giveInput = async (id: number, bytes: Uint8Array | undefined): Promise<void> => {
    if (bytes === undefined) reached.get(id)?.end();
    else await reached.get(id)?.write(bytes);
    await send({ kind: 'taken', id });
  };

  return {
    async receive(message) {
      switch (message.kind) {
        case 'call':
          return answer(message.id, message.call);
        case 'cancel':
          running.get(message.id)?.abort();
          return;
        case 'input':
          return giveInput(message.id, message.bytes);
        case 'resize':
          reached.get(message.id)?.resize(message);
          return;
        case 'heard':
          waiting.get(message.id)?.();
          return;
        case 'signal':
          passSignal(message.signal);
      }
    },
    abort() {
      for (const abort of running.values()) abort.abort();
    },
    onIdle(listen) {
      idle = listen;
      tellIdle();
    },
    release: async () => (await lease)?.release(),
  };
}
