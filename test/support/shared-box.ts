import { rmSync } from 'node:fs';
import { afterAll, beforeAll } from 'vitest';
import { createSandbox, importBase, type Sandbox } from './built-command.ts';
import { readableBuild, testUser } from './test-user.ts';

/** Runs the command; what it printed, after it ended with 0 and said nothing on standard error. */
export type Told = (...words: string[]) => Promise<string>;

/**
 * One sandbox with `base:1` for all tests around the call, of root or else of the ordinary user. `take` gets it before the first of them, and the folder of the package
 * that the user reads. Its containers end with it, also after a failure.
 */
export function useBox(
  runtime: string,
  who: string,
  take: (box: Sandbox, build: string | undefined) => void,
): Told {
  let box: Sandbox | undefined;
  let build: string | undefined;
  beforeAll(async () => {
    if (who !== 'root') build = readableBuild();
    const as = build === undefined ? {} : { build, user: testUser() };
    box = createSandbox({ ...as, env: { DOBOS_RUNTIME: runtime } });
    take(box, build);
    await importBase(box);
  });
  afterAll(async () => {
    if (box !== undefined) {
      const ids = (await box.run(['ps', '-aq'])).stdout.split('\n').filter((id) => id !== '');
      if (ids.length > 0) await box.run(['rm', '-f', ...ids]);
      await box.remove();
    }
    if (build !== undefined) rmSync(build, { recursive: true, force: true });
  });
  return async (...words) => {
    const { code, stdout, stderr } = await box!.run(words);
    if (code !== 0 || stderr !== '') throw new Error(`${words.join(' ')} ended with ${code}: ${stderr}`);
    return stdout;
  };
}
