import { exposedPorts, replacePort } from '../exposed-ports.ts';
import { checkUrl, type Rule } from '../rule.ts';

/** `EXPOSE 80/tcp` in lower case. */
export const exposeProtoCasing: Rule = {
  id: 'ExposeProtoCasing',
  url: checkUrl('ExposeProtoCasing'),
  severity: 'warning',
  summary: 'the protocol in EXPOSE is in lower case',
  why: 'The image’s configuration has protocols in lower case, whatever the Dockerfile says. Written so, both look the same.',
  needs: 'file',
  examples: { bad: 'FROM alpine\nEXPOSE 80/TcP\n', good: 'FROM alpine\nEXPOSE 80/tcp\n' },
  *check(subject) {
    for (const exposed of exposedPorts(subject.walked())) {
      const { on, word, text, port } = exposed;
      if (port.protocol === port.protocol.toLowerCase()) continue;
      yield {
        message: `Defined protocol '${text}' in EXPOSE instruction should be lowercase`,
        on,
        at: word.range,
        fix: replacePort(exposed, text.toLowerCase()),
      };
    }
  },
};
