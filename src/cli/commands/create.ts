import { createFromImage } from '../../app/run-container.ts';
import { containerOptions } from '../container-options.ts';
import { imagePull } from '../pull-option.ts';
import { createPullView } from '../pull-view/pull-view.ts';
import { type CommandSpec, flagOption } from '../spec.ts';
import { command as run } from './run.ts';

/** What both take. */
const { limits: _, ...shared } = run;

export const command: CommandSpec = {
  ...shared,
  name: 'create',
  aliases: ['container create'],
  usage: '[OPTIONS] IMAGE [COMMAND] [ARG...]',
  arity: [1, Number.POSITIVE_INFINITY],
  summary: 'Make a container of an image without starting it; prints its id',
  options: run.options.filter(({ flags }) => !/^(?:--failed|-d,)/.test(flags)),
  examples: ['dobos create --name job app', 'dobos create -it --name box app /bin/sh', 'dobos start -ai box'],
  async run({ app, terminal, args, options, signal }) {
    const view = flagOption(options, 'quiet') ? undefined : await createPullView(terminal, 'err');
    const { id } = await createFromImage(app, {
      ...containerOptions(args, options),
      pull: imagePull(app, options, { signal, onEvent: view?.show }),
      onPulled: () => view?.end(false),
      onWarning: (message) => terminal.err(`dobos: warning: ${message}\n`),
    }).catch((error: unknown) => {
      view?.end(signal.aborted);
      throw error;
    });
    await terminal.out(`${id}\n`);
    return 0;
  },
};
