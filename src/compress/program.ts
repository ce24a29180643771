import { spawn } from 'node:child_process';
import type { ByteStream } from '../base/bytes.ts';
import { systemCode } from '../base/errors.ts';
import type { CallOptions } from '../base/options.ts';
import { compressError } from './errors.ts';
import { feed } from './feed.ts';

/** Memory that xz may take: `xz -9` needs 65 MiB to open, distributions pack with up to 128 MiB dictionaries. */
const XZ_MEMORY = '--memlimit-decompress=256MiB';

/** Bytes of a program's error output that are kept for the message. */
const MAX_ERROR_TEXT = 4096;

const PROGRAMS = {
  xz: { args: ['--decompress', '--stdout', '--format=xz', '--threads=1', XZ_MEMORY], package: 'xz-utils' },
  bzip2: { args: ['--decompress', '--stdout'], package: 'bzip2' },
} as const;

/** The content of xz or bzip2 data, opened by the system's program of that name, which is killed when the consumer stops or the signal aborts. @throws COMPRESS_PROGRAM_MISSING, COMPRESS_PROGRAM_FAILED, COMPRESS_TRUNCATED, COMPRESS_TRAILING, COMPRESS_CORRUPT */
export async function* throughProgram(
  bytes: ByteStream,
  format: 'xz' | 'bzip2',
  o: CallOptions = {},
): ByteStream {
  const { args, package: name } = PROGRAMS[format];
  const child = spawn(format, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  let startError: Error | undefined;
  let errorText = '';
  child.on('error', (error) => {
    startError = error;
    child.stdin.destroy();
  });
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    errorText = `${errorText}${text}`.slice(0, MAX_ERROR_TEXT);
  });
  // The exit code tells why the program stopped reading.
  child.stdin.on('error', () => {});
  const closed = new Promise<void>((resolve) => child.on('close', () => resolve()));
  const kill = (): void => void child.kill('SIGKILL');
  o.signal?.addEventListener('abort', kill, { once: true });
  const feeding = feed(bytes, child.stdin, o);
  try {
    for await (const chunk of child.stdout) yield chunk as Buffer;
    await closed;
    await feeding.done;
    if (feeding.failure() !== undefined) throw feeding.failure();
    if (startError !== undefined) {
      if (systemCode(startError) !== 'ENOENT') {
        throw compressError(
          'COMPRESS_PROGRAM_FAILED',
          { program: format, problem: startError.message },
          { cause: startError },
        );
      }
      throw compressError(
        'COMPRESS_PROGRAM_MISSING',
        { program: format, format, package: name },
        { cause: startError },
      );
    }
    if (child.exitCode !== 0 || errorText !== '')
      throw refusal(format, errorText, child.exitCode, child.signalCode);
  } finally {
    o.signal?.removeEventListener('abort', kill);
    kill();
    child.stdin.destroy();
    child.stdout.destroy();
    await closed;
    await feeding.done;
  }
}

/** What the program said; bzip2 only warns of trailing garbage and exits with 0. */
function refusal(
  format: 'xz' | 'bzip2',
  text: string,
  code: number | null,
  signal: NodeJS.Signals | null,
): Error {
  if (/unexpected end of input|ends unexpectedly/i.test(text))
    return compressError('COMPRESS_TRUNCATED', { format });
  if (/trailing garbage/i.test(text)) return compressError('COMPRESS_TRAILING', { format });
  if (signal !== null)
    return compressError('COMPRESS_PROGRAM_FAILED', { program: format, problem: `killed by ${signal}` });
  const said = text.trim().replace(/\s*\n\s*/g, '; ');
  return compressError('COMPRESS_CORRUPT', {
    format,
    problem: said === '' ? `${format} exits with ${code}` : said,
  });
}
