import { errorMaker } from '../base/errors.ts';

type CredentialErrors = {
  CREDENTIALS_FILE: { file: string; why: string; line?: number | undefined };
  CREDENTIALS_FILE_UNWRITABLE: { file: string; code: string };
  CREDENTIALS_HELPER_MISSING: { program: string; file: string; key: string };
  CREDENTIALS_HELPER: { program: string; verb: string; why: string };
};

/** Errors of the files and programs that keep credentials. None holds a value of theirs: a cause would too, so there is none. */
export const credentialError = errorMaker<CredentialErrors>({
  CREDENTIALS_FILE: ({ file, why, line }) =>
    `credentials file ${file}${line === undefined ? '' : `, line ${line}`}: ${why}`,
  CREDENTIALS_FILE_UNWRITABLE: ({ file, code }) => ({
    message: `cannot write credentials to ${file} (${code})`,
    hint: 'DOCKER_CONFIG names another folder for config.json, REGISTRY_AUTH_FILE another file',
  }),
  CREDENTIALS_HELPER_MISSING: ({ program, file, key }) => ({
    message: `credential helper ${program}, which ${file} names in ${key}, is not in PATH`,
    hint: `install ${program}, or take ${key} out of ${file}`,
  }),
  CREDENTIALS_HELPER: ({ program, verb, why }) => `credential helper ${program} failed at "${verb}": ${why}`,
});
