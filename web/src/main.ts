import { mount } from 'svelte';
import App from './App.svelte';
import './tokens.css';
import './app.css';
import './parts.css';

mount(App, { target: document.getElementById('app')! });
