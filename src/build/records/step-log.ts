import { closeSync, constants, openSync } from 'node:fs';
import { withFolder, writeAll } from '../../store/atomic-file.ts';

/** Bytes of a step's output that are kept, of both streams together; a line behind them says so. */
export const MAX_STEP_LOG_BYTES = 1024 ** 3;

export interface StepLog {
  /** Appends what a step printed. Returns when the kernel has it: a process that is killed loses nothing. */
  add(bytes: Uint8Array): void;
  close(): void;
  /** Bytes that were added. */
  readonly printed: number;
}

/** A file that takes a step's output as it comes, and nothing of it to memory. It is made with the first byte. */
export function openStepLog(path: string, most = MAX_STEP_LOG_BYTES): StepLog {
  let fd: number | undefined;
  let printed = 0;
  // Also set by a disk that takes no more: what comes after a gap is not written.
  let cut = false;
  return {
    get printed() {
      return printed;
    },
    add(bytes) {
      const room = most - printed;
      printed += bytes.length;
      if (cut) return;
      cut = true;
      const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND | constants.O_NOFOLLOW;
      fd ??= withFolder(path, () => openSync(path, flags, 0o600));
      writeAll(fd, room < bytes.length ? bytes.subarray(0, room) : bytes);
      cut = room < bytes.length;
      if (cut)
        writeAll(
          fd,
          Buffer.from(
            `\n[dobos keeps the first ${most} bytes of a step's output; what came then is not here]\n`,
          ),
        );
    },
    close() {
      if (fd !== undefined) closeSync(fd);
      fd = undefined;
    },
  };
}
