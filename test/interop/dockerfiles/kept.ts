import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = join('.cache', 'peer-builds');

/** What `make` comes to, as JSON has it: made once for all that the key says, and kept in .cache, so that CI's second Node is held to what the peers have made beside the first. */
export async function kept<T>(key: unknown, make: () => Promise<T>): Promise<T> {
  const name = createHash('sha256').update(JSON.stringify(key)).digest('hex');
  const file = join(FOLDER, `${name}.json`);
  if (!existsSync(file)) {
    const text = JSON.stringify(await make());
    mkdirSync(FOLDER, { recursive: true });
    const part = `${file}.${process.pid}.part`;
    writeFileSync(part, text);
    renameSync(part, file);
  }
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}
