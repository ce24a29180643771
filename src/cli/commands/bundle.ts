import { writeBundle } from '../../app/write-bundle.ts';
import { imagePull, RUN_PULL_OPTION } from '../pull-option.ts';
import { createPullView } from '../pull-view/pull-view.ts';
import { type CommandSpec, flagOption, listOption, textOption } from '../spec.ts';
import { command as run } from './run.ts';

/** Options that mean the same as those of `run`. */
const SHARED = ['-t,', '-e,', '--entrypoint', '-u,', '-w,', '-h,', '--platform', '-q,'];

export const command: CommandSpec = {
  name: 'bundle',
  aliases: [],
  summary: 'Write an image as an OCI runtime bundle, which runc, crun and others run as it is',
  usage: '[OPTIONS] IMAGE DIR [COMMAND] [ARG...]',
  arity: [2, Number.POSITIVE_INFINITY],
  passThrough: true,
  options: [
    ...run.options.filter(({ flags }) => SHARED.some((own) => flags.startsWith(own))),
    { flags: '--network <mode>', summary: 'the network it sees', choices: ['none', 'host'], default: 'none' },
    RUN_PULL_OPTION,
  ],
  examples: [
    'dobos bundle app /tmp/app && runc run --bundle /tmp/app app1',
    'dobos bundle -t --network host app box /bin/sh',
    'dobos bundle -e MODE=test app~1 before',
  ],
  limits: [
    'For the user who writes it: of an ordinary user the config asks for a user namespace with the ids of /etc/subuid.',
    'A runtime that is started by hand makes cgroups of its own; where an ordinary user may not, it says so.',
  ],
  async run({ app, terminal, args, options, signal }) {
    const [image = '', folder = '', ...words] = args;
    const view = flagOption(options, 'quiet') ? undefined : await createPullView(terminal, 'err');
    await writeBundle(app, {
      image,
      folder,
      command: words,
      entrypoint: textOption(options, 'entrypoint'),
      env: listOption(options, 'env'),
      workdir: textOption(options, 'workdir'),
      user: textOption(options, 'user'),
      network: textOption(options, 'network') === 'host' ? 'host' : 'none',
      hostname: textOption(options, 'hostname'),
      tty: flagOption(options, 'tty'),
      pull: imagePull(app, options, { signal, onEvent: view?.show }),
      onPulled: () => view?.end(false),
    }).catch((error: unknown) => {
      view?.end(signal.aborted);
      throw error;
    });
    return 0;
  },
};
