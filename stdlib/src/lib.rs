//! What workflow code can call, declared once as data.
