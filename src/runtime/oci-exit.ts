import { existsSync, readFileSync } from 'node:fs';
import { fsPath } from '../base/names.ts';
import { runtimeError } from './errors.ts';
import type { ProgramEnd } from './run-program.ts';

/** The process's own exit code. A runtime that failed has said so in its log, or has not come as far as writing the process's id. */
export function exitCode(
  end: ProgramEnd,
  runtime: string,
  files: { readonly log: string; readonly pid: string },
  said: string,
): number {
  const started = existsSync(fsPath(files.pid));
  const problem = end.code === 0 && started ? undefined : lastError(files.log);
  if (problem !== undefined) throw runtimeError('RUNTIME_FAILED', { runtime, message: problem });
  if (end.code === undefined || !started) {
    const ended = `it ended with ${end.code ?? end.signal}`;
    const message = lastErrorIn(said) ?? (said.trim() || (started ? ended : `${ended} and started nothing`));
    throw runtimeError('RUNTIME_FAILED', { runtime, message });
  }
  return end.code;
}

/** The message of the last line of level error in a runtime's log. */
const lastError = (log: string): string | undefined => lastErrorIn(readOr(log));

/** The same of such lines wherever they were written: some go to standard error alone. */
function lastErrorIn(text: string): string | undefined {
  let message: string | undefined;
  for (const line of text.split('\n')) {
    try {
      const entry = JSON.parse(line) as { level?: unknown; msg?: unknown };
      if (entry.level === 'error' || entry.level === 'fatal') message = String(entry.msg);
    } catch {
      // Not a line of the log: runtimes mix in other text.
    }
  }
  return message;
}

function readOr(path: string): string {
  try {
    return readFileSync(fsPath(path), 'utf8');
  } catch {
    return '';
  }
}
