import { render } from 'preact';
import { initLang } from '../lib/i18n';
import '../styles/base.css';
import '../styles/network.css';
import { App } from './app';
import { start } from './controller';

initLang();
start();
const root = document.getElementById('app');
if (root) render(<App />, root);
