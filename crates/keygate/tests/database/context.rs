//! Who a transaction acts for, and that nobody can choose it by SQL.

use uuid::Uuid;

use crate::world::World;

#[tokio::test]
async fn a_user_sees_their_own_row_and_no_other() {
    let world = World::new().await;
    let (alice, bob) = (world.add_user("alice").await, world.add_user("bob").await);
    let mut tx = world.db.user(alice).await.unwrap();
    let seen: Vec<Uuid> = sqlx::query_scalar("select id from users").fetch_all(&mut *tx).await.unwrap();
    assert_eq!(seen, [alice]);
    assert_ne!(alice, bob);
}
