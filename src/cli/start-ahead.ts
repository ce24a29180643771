import type { App } from '../app/app.ts';

/** Words of commands that run a container on this process's own streams. */
const RUNS = /^(?:container )?run /;
/** With these the process is not wanted, or its options are not known yet; they may be the program's too, which then starts a little later. */
const NOT_YET = /^(?:-[a-zA-Z]*d|--(?:detach|runtime|help)\b)/;

/** Whether the command that these words name will run a container on this process's own streams, with the usual runtime. */
export const wantsKeeper = (words: readonly string[]): boolean =>
  RUNS.test(`${words.slice(0, 2).join(' ')} `) && !words.some((word) => NOT_YET.test(word));

/** With these the keeper has to do with the person's terminal; they may be the program's too. */
export const NOT_PLAIN = /^(?:-[a-zA-Z]*t|--tty\b)/;

/** Whether this program, of root, may be its own keeper, as far as its words tell. */
export const mayBeKeeper = (words: readonly string[]): boolean =>
  words[0] === 'build' || (wantsKeeper(words) && !words.some((word) => NOT_PLAIN.test(word)));

/** An app whose keeper has been started, so that this goes on beside the loading of the command itself; undefined unless it will be wanted. */
export async function startAhead(words: readonly string[], openApp: () => App): Promise<App | undefined> {
  if (!wantsKeeper(words)) return undefined;
  try {
    const app = openApp();
    (await app.keeper()).start?.();
    return app;
  } catch {
    // What is wrong with the surroundings, the command will say.
    return undefined;
  }
}
