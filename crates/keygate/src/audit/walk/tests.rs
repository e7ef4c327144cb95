use proptest::prelude::*;

use super::*;
use crate::audit::Form;

/// The columns of a row: what `Form` can write.
#[derive(Clone, Debug, PartialEq)]
enum Column {
    Null,
    Text(String),
    Int(i32),
    Bool(bool),
    Id([u8; 16]),
}

fn column() -> impl Strategy<Value = Column> {
    prop_oneof![
        Just(Column::Null),
        "\\PC{0,12}".prop_map(Column::Text),
        any::<i32>().prop_map(Column::Int),
        any::<bool>().prop_map(Column::Bool),
        any::<[u8; 16]>().prop_map(Column::Id),
    ]
}

fn form(columns: &[Column]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut form = Form::new(&mut bytes);
    for column in columns {
        match column {
            Column::Null => form.null(),
            Column::Text(text) => form.text(text.as_str()),
            Column::Int(number) => form.int(*number),
            Column::Bool(yes) => form.bool(*yes),
            Column::Id(id) => form.uuid(Uuid::from_bytes(*id)),
        }
    }
    bytes
}

/// A null at the end is no part of the form.
fn written(row: &[Column]) -> &[Column] {
    match row {
        [rest @ .., Column::Null] => rest,
        row => row,
    }
}

/// The bytes of each column, `None` for null: what a row says, read by hand.
fn columns(mut form: &[u8]) -> Vec<Option<Vec<u8>>> {
    let mut columns = Vec::new();
    while let Some((length, rest)) = form.split_first_chunk::<4>() {
        let length = i32::from_be_bytes(*length);
        let value = usize::try_from(length).ok().map(|length| rest[..length].to_vec());
        form = &rest[value.as_ref().map_or(0, Vec::len)..];
        columns.push(value);
    }
    columns
}

/// `copy … (format binary)` of rows that have the same count of columns.
fn copy(rows: &[Vec<Column>]) -> Vec<u8> {
    let mut bytes = b"PGCOPY\n\xff\r\n\0".to_vec();
    bytes.extend_from_slice(&[0; 8]);
    for (seq, row) in (1i64..).zip(rows) {
        bytes.extend_from_slice(&(row.len() as i16 + 3).to_be_bytes());
        for part in [seq.to_be_bytes().as_slice(), &7i32.to_be_bytes(), &[9; 32]] {
            bytes.extend_from_slice(&(part.len() as i32).to_be_bytes());
            bytes.extend_from_slice(part);
        }
        bytes.extend_from_slice(&form(row));
    }
    bytes.extend_from_slice(&(-1i16).to_be_bytes());
    bytes
}

/// The rows of these bytes, however they are cut.
fn rows_of(bytes: &[u8], cuts: &[usize]) -> Option<Vec<(i64, i32, Vec<u8>)>> {
    let (mut copied, mut rows, mut rest, mut cuts) =
        (Copied::default(), Vec::new(), bytes, cuts.iter().cycle());
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at((*cuts.next().unwrap()).min(rest.len()));
        copied.push(chunk, |sent| rows.push((sent.seq, sent.key, sent.row.to_vec())))?;
        rest = after;
    }
    Some(rows)
}

proptest! {
    #[test]
    fn no_two_rows_have_the_same_form(one in prop::collection::vec(column(), 1..6), other in prop::collection::vec(column(), 1..6)) {
        prop_assert_eq!(form(&one) == form(&other), columns(&form(&one)) == columns(&form(&other)));
        prop_assert_eq!(columns(&form(&one)).len(), one.len());
        let nulls = |columns: &[Column]| columns.iter().map(|own| *own == Column::Null).collect::<Vec<_>>();
        let read: Vec<bool> = columns(&form(&one)).iter().map(Option::is_none).collect();
        prop_assert_eq!(read, nulls(&one));
    }

    #[test]
    fn rows_are_the_same_however_the_copy_is_cut(
        rows in prop::collection::vec(prop::collection::vec(column(), 3), 0..8),
        cuts in prop::collection::vec(1..64usize, 1..8),
    ) {
        let found = rows_of(&copy(&rows), &cuts).unwrap();
        let expected: Vec<_> = (1i64..).zip(&rows).map(|(seq, row)| (seq, 7, form(written(row)))).collect();
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_bytes_are_a_copy_or_are_not(bytes in prop::collection::vec(any::<u8>(), 0..200), at in any::<prop::sample::Index>(), put in any::<u8>()) {
        let _ = rows_of(&bytes, &[7]);
        let mut edited = copy(&[vec![Column::Text("a".to_owned()), Column::Null, Column::Int(1)]]);
        let at = at.index(edited.len());
        edited[at] = put;
        let _ = rows_of(&edited, &[13]);
    }
}
