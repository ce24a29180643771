import { closeSync, constants, openSync } from 'node:fs';
import { withFolder, writeAll } from '../../store/atomic-file.ts';
import type { Mask } from './mask-secrets.ts';

/** Bytes of a step's output that are kept, of both streams together; a line behind them says so. */
export const MAX_STEP_LOG_BYTES = 1024 ** 3;

export interface StepLog {
  /** Appends what a step printed. Returns when the kernel has it: a process that is killed loses nothing. */
  add(bytes: Uint8Array): void;
  close(): void;
  /** Bytes that were added. */
  readonly printed: number;
}

/** A file that takes a step's output as it comes, and nothing of it to memory. It is made with the first byte; values of secrets are masked. */
export function openStepLog(path: string, most = MAX_STEP_LOG_BYTES, mask?: Mask): StepLog {
  let fd: number | undefined;
  let printed = 0;
  // Also set by a disk that takes no more: what comes after a gap is not written.
  let cut = false;
  let kept = 0;
  const write = (bytes: Uint8Array): void => {
    if (cut || bytes.length === 0) return;
    const room = most - kept;
    kept += bytes.length;
    cut = true;
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
    fd ??= withFolder(path, () => openSync(path, flags, 0o600));
    writeAll(fd, room < bytes.length ? bytes.subarray(0, room) : bytes);
    cut = room < bytes.length;
    if (cut) writeAll(fd, Buffer.from(cutLine(most)));
  };
  return {
    get printed() {
      return printed;
    },
    add(bytes) {
      printed += bytes.length;
      write(mask === undefined ? bytes : mask.pass(bytes));
    },
    close() {
      try {
        if (mask !== undefined) write(mask.rest());
      } finally {
        if (fd !== undefined) closeSync(fd);
        fd = undefined;
      }
    },
  };
}

const cutLine = (most: number): string =>
  `\n[dobos keeps the first ${most} bytes of a step's output; what came then is not here]\n`;
