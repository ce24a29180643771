import { checkUrl, type Rule } from '../rule.ts';

const SECRET = /(?:_|^)(?:apikey|auth|credentials?|key|password|pword|passwd|secret|token)(?:_|$)/i;
const HARMLESS = /(?:_|^)(?:public|file|version)(?:_|$)/i;

/** No ARG or ENV is called like a secret. */
export const secretsUsedInArgOrEnv: Rule = {
  id: 'SecretsUsedInArgOrEnv',
  url: checkUrl('SecretsUsedInArgOrEnv'),
  severity: 'error',
  summary: 'no ARG or ENV holds a secret',
  why: 'The values of ENV stand in the image, and those of ARG in its history, for everybody who has it. `RUN --mount=type=secret` shows a secret to one step and leaves nothing behind. A name counts as a secret’s if a part of it between underscores is apikey, auth, credential, credentials, key, password, pword, passwd, secret or token, and none is public, file or version.',
  needs: 'file',
  examples: {
    bad: 'FROM scratch\nARG AWS_SECRET_ACCESS_KEY\n',
    good: 'FROM scratch\nRUN --mount=type=secret,id=aws,env=AWS_SECRET_ACCESS_KEY ["/deploy"]\n',
  },
  *check(subject) {
    for (const { lines } of subject.walked()) {
      for (const { instruction: on, words } of lines) {
        if (on.kind !== 'ARG' && on.kind !== 'ENV') continue;
        for (const { name } of on.pairs) {
          const key = words.get(name)?.text ?? name.text;
          if (!SECRET.test(key) || HARMLESS.test(key)) continue;
          yield {
            message: `Do not use ARG or ENV instructions for sensitive data (${on.kind} ${JSON.stringify(key)})`,
            on,
            at: name.range,
          };
        }
      }
    }
  },
};
