import { exposedPorts, replacePort } from '../exposed-ports.ts';
import { checkUrl, type Rule } from '../rule.ts';

/** EXPOSE names ports of the container only. */
export const exposeInvalidFormat: Rule = {
  id: 'ExposeInvalidFormat',
  url: checkUrl('ExposeInvalidFormat'),
  severity: 'warning',
  summary: 'EXPOSE has neither an address nor a port of the host',
  why: '`EXPOSE` says on which ports the program in the image listens. Where they are reached from outside is said by `run -p`. Builders pass over the rest of `127.0.0.1:80:80`, and have announced that they will refuse it.',
  needs: 'file',
  examples: { bad: 'FROM alpine\nEXPOSE 127.0.0.1:80:80\n', good: 'FROM alpine\nEXPOSE 80\n' },
  *check(subject) {
    for (const exposed of exposedPorts(subject.walked())) {
      const { on, word, text, port } = exposed;
      if (port.host === '') continue;
      yield {
        message: `EXPOSE instruction should not define an IP address or host-port mapping, found '${text}'`,
        on,
        at: word.range,
        fix: replacePort(exposed, text.slice(port.host.length + 1)),
      };
    }
  },
};
