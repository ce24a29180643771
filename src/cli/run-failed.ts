import { stepLabels } from './build-view/step-label.ts';
import { createPaint } from './colour.ts';
import { cliError } from './errors.ts';
import { type CommandCall, flagOption, type OptionSpec, textOption } from './spec.ts';

/** `run --failed`: the root file system that a failed RUN left, in place of an image. */
export const FAILED_OPTION: OptionSpec = {
  flags: '--failed <build>',
  summary: 'in place of an image what the newest failed RUN left, or with `=BUILD` that of a build',
  bare: '^',
};

/** The image and what follows it. With `--failed` nothing names an image, and all that follows is the command. @throws CLI_USAGE, and as `findFailedRoot` */
export async function imageOrFailed({
  app,
  terminal,
  args,
  options,
}: Pick<CommandCall, 'app' | 'terminal' | 'args' | 'options'>): Promise<readonly string[]> {
  const failed = textOption(options, 'failed');
  if (failed === undefined) {
    if (args.length > 0) return args;
    const problem = 'needs at least 1 argument, got 0 (usage: dobos run [OPTIONS] IMAGE [COMMAND] [ARG...])';
    throw cliError('CLI_USAGE', { command: 'run', problem });
  }
  const { findFailedRoot } = await import('../app/failed-root.ts');
  const { imageId, build, step } = await findFailedRoot(app, failed === '^' ? undefined : failed);
  if (step !== undefined && !flagOption(options, 'quiet') && terminal.errIsTty) {
    const label = stepLabels({ steps: [step] }).get(step.id)!.text;
    terminal.err(`${createPaint(terminal.colour)('quiet', `dobos: as build ${build} left it: ${label}`)}\n`);
  }
  return [imageId, ...args];
}
