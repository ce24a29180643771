import type { ExecutorUse } from '../../runtime/types.ts';
import { formatOption, printFormatted } from '../format-option.ts';
import type { CommandSpec } from '../spec.ts';

export const command: CommandSpec = {
  name: 'info',
  aliases: ['system info'],
  summary: 'Show the store, the runtime and what works here',
  usage: '[OPTIONS]',
  arity: [0, 0],
  options: [{ ...formatOption, flags: '-f, --format <template>' }],
  examples: ['dobos info', 'dobos info --format json', 'DOBOS_RUNTIME=chroot dobos info'],
  async run({ app, terminal, options }) {
    const { storeFolder, hostPlatform, uid, runtime } = app.settings;
    const chosen = (use: ExecutorUse) =>
      app
        .keeper()
        .then((keeper) => keeper.executor(use))
        .catch((error: unknown) => ({
          name: 'none',
          detail: error instanceof Error ? error.message : String(error),
        }));
    const executor = await chosen('plain');
    const full = await chosen('full');
    const facts = {
      Version: app.version,
      Node: process.version,
      Platform: `${hostPlatform.os}/${hostPlatform.architecture}`,
      Store: storeFolder,
      Rootless: uid !== 0,
      RuntimeAsked: runtime,
      Runtime: executor.name,
      RuntimeDetail: executor.detail,
      RuntimeForLimitsAndTerminals: full.name,
      RuntimeForLimitsAndTerminalsDetail: full.detail,
    };
    if (options.format !== undefined) return printFormatted(terminal, options, [facts]);
    const lines = [
      `dobos     ${facts.Version} on Node ${facts.Node}, ${facts.Platform}`,
      `store     ${facts.Store}${uid === 0 ? '' : ' (rootless)'}`,
      `runtime   ${facts.Runtime}${runtime === 'auto' ? '' : ` (asked for: ${runtime})`}: ${facts.RuntimeDetail}`,
      ...(full.name === executor.name
        ? []
        : [`          ${full.name}, for containers with limits or a terminal: ${full.detail}`]),
    ];
    await terminal.out(`${lines.join('\n')}\n`);
    return 0;
  },
};
