import { render } from 'preact';
import { must } from './must.js';
import { pathOfHash } from './places.js';
import { Console } from './shell.js';
import './styles.css';
import { applyTheme, keptTheme } from './theme.js';

applyTheme(keptTheme());
const linked = pathOfHash(location.hash);
if (linked !== null) history.replaceState(null, '', linked);
render(<Console />, must(document.getElementById('console'), 'index.html has it'));
