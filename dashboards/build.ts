/** Writes the dashboards next to their sources: `npm run build && node dist/dashboards/build.js`. */
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { renderDashboards } from './catalogue.js';

function root(): string {
  let folder = path.dirname(fileURLToPath(import.meta.url));
  while (!existsSync(path.join(folder, 'package.json'))) folder = path.dirname(folder);
  return folder;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  for (const { file, text } of renderDashboards()) {
    writeFileSync(path.join(root(), 'dashboards', file), text);
    process.stdout.write(`dashboards/${file}\n`);
  }
}
