// The yaml package takes milliseconds to load: only what is not plain waits for it. CommonJS, since only its `require` is
// both lazy and synchronous, in Node itself as in a bundle.

module.exports = () => require("yaml");
