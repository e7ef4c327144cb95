//! New migrations are part of the program, and the compiler only watches the old ones.

fn main() {
    println!("cargo:rerun-if-changed=migrations");
}
