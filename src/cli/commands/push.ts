import { withoutTransport } from '../../app/image-names.ts';
import { push, pushAllTags } from '../../app/push.ts';
import { formatReference, parseReference } from '../../oci/reference.ts';
import { givenPlatform } from '../pull-option.ts';
import { createPushView } from '../push-view/push-view.ts';
import { isInsecure, TLS_OPTIONS } from '../registry-options.ts';
import { type CommandSpec, flagOption } from '../spec.ts';

export const command: CommandSpec = {
  name: 'push',
  aliases: ['image push'],
  summary: 'Send an image to the registry in its name',
  usage: '[OPTIONS] NAME[:TAG]',
  arity: [1, 1],
  options: [
    { flags: '-a, --all-tags', summary: 'every tag of the repository that is in the store', common: true },
    {
      flags: '--platform <os/arch>',
      summary: 'only this image of an index; all of it by default',
      common: true,
    },
    { flags: '-q, --quiet', summary: 'print the name only', common: true },
    ...TLS_OPTIONS,
    { flags: '--disable-content-trust', summary: 'accepted for scripts; nothing is signed' },
  ],
  examples: [
    'dobos push registry.example/team/app:1.2',
    'dobos push --all-tags localhost:5000/app',
    'dobos tag app localhost:5000/app && dobos push localhost:5000/app',
  ],
  limits: [
    'Layers that were made here are compressed with gzip on their way, once; layers that were pulled go as they came. Of an index that was pulled for one platform that image is pushed.',
  ],
  async run({ app, terminal, args, options, signal }) {
    const name = args[0]!;
    const reference = parseReference(withoutTransport(name));
    const quiet = flagOption(options, 'quiet');
    const all = flagOption(options, 'allTags');
    const view = quiet ? undefined : await createPushView(terminal, 'out');
    const request = {
      insecure: isInsecure(options),
      ...givenPlatform(app, options),
      signal,
      onEvent: view?.show,
    };
    let printed: string;
    try {
      if (all) {
        await pushAllTags(app, name, request);
        printed = formatReference(reference);
      } else {
        if (!quiet && reference.tag === undefined && reference.digest === undefined)
          await terminal.out('Using default tag: latest\n');
        printed = (await push(app, name, request)).name;
      }
    } finally {
      view?.end();
    }
    if (quiet) await terminal.out(`${printed}\n`);
    return 0;
  },
};
