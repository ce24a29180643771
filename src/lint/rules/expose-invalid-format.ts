import { readPort } from '../read-port.ts';
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
    for (const { lines } of subject.walked()) {
      for (const { instruction: on, words } of lines) {
        if (on.kind !== 'EXPOSE') continue;
        for (const word of on.words) {
          for (const text of words.get(word)?.words ?? []) {
            const port = readPort(text);
            if (port === undefined || port.host === '') continue;
            const kept = text.slice(port.host.length + 1);
            yield {
              message: `EXPOSE instruction should not define an IP address or host-port mapping, found '${text}'`,
              on,
              at: word.range,
              fix: text === word.text ? [{ range: word.range, text: kept }] : undefined,
            };
          }
        }
      }
    }
  },
};
