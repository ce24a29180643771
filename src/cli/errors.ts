import { errorMaker } from '../base/errors.ts';

type CliErrors = {
  CLI_UNKNOWN_COMMAND: { command: string; nearest: string | undefined };
  CLI_LATER: { command: string };
  CLI_USAGE: { command: string; problem: string; nearest?: string | undefined };
  CLI_TYPOGRAPHY: { word: string; meant: string };
};

/** Errors of the command line itself; all are wrong usage (exit code 2, `run`: 125). */
export const cliError = errorMaker<CliErrors>({
  CLI_UNKNOWN_COMMAND: ({ command, nearest }) => ({
    message: `unknown command "${command}"`,
    hint: nearest === undefined ? 'dobos --help lists the commands' : `did you mean "${nearest}"?`,
  }),
  CLI_LATER: ({ command }) => ({
    message: `"${command}" is not part of this version yet`,
    hint: 'dobos --help lists what there is; CHANGELOG.md says what came when',
  }),
  CLI_USAGE: ({ command, problem, nearest }) => ({
    message: `${command}: ${problem}`,
    hint:
      nearest === undefined
        ? `dobos ${command} --help explains it`
        : `did you mean "${nearest}"? dobos ${command} --help lists the options`,
  }),
  CLI_TYPOGRAPHY: ({ word, meant }) => ({
    message: `"${word}" has a typographic dash or quote in it, as slides and word processors make them`,
    hint: `type it as ${meant}`,
  }),
});
