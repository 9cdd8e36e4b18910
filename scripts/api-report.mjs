// Compares the public names of the npm package with docs/api, one report for each entry. With `--write` writes the reports.
// `npm run package` makes the declarations that this reads.
import { Extractor, ExtractorConfig, ExtractorLogLevel } from '@microsoft/api-extractor';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, resolve } from 'node:path';

const ROOT = resolve('dist/package');
const REPORTS = resolve('docs/api');
const isWritten = process.argv.includes('--write');
const temporary = mkdtempSync(`${tmpdir()}/api-report-`);

/** @returns whether the report of an entry is up to date */
function report(name, types) {
  const config = ExtractorConfig.prepare({
    packageJsonFullPath: `${ROOT}/package.json`,
    configObjectFullPath: undefined,
    configObject: {
      projectFolder: ROOT,
      mainEntryPointFilePath: resolve(ROOT, types),
      apiReport: {
        enabled: true,
        reportFileName: name,
        reportFolder: REPORTS,
        reportTempFolder: temporary,
        includeForgottenExports: false,
      },
      compiler: {
        overrideTsconfig: {
          extends: resolve('package/tsconfig.json'),
          compilerOptions: { skipLibCheck: true },
          files: [resolve(ROOT, types)],
        },
      },
      newlineKind: 'lf',
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        extractorMessageReporting: {
          default: { logLevel: 'none' },
          'ae-forgotten-export': { logLevel: 'warning', addToApiReportFile: true },
        },
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  });
  const { apiReportChanged, succeeded } = Extractor.invoke(config, {
    localBuild: isWritten,
    showVerboseMessages: false,
    messageCallback: (message) => {
      message.handled = message.logLevel !== ExtractorLogLevel.Error;
    },
  });
  return isWritten || (succeeded && !apiReportChanged);
}

const { exports } = JSON.parse(readFileSync(`${ROOT}/package.json`, 'utf8'));
const stale = [];
for (const { default: entry, types } of Object.values(exports)) {
  if (types && !report(basename(entry, '.js'), types))
    stale.push(`docs/api/${basename(entry, '.js')}.api.md`);
}
rmSync(temporary, { recursive: true });
if (stale.length > 0) {
  console.error(
    `The public names changed: ${stale.join(', ')}. Run npm run docs:api, and say it in CHANGELOG.md.`,
  );
  process.exitCode = 1;
}
