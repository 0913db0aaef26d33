namespace Conductor.Tests.Hall;

public sealed class EntityIdTests
{
    [Fact]
    public void New_OnManyThreads_IsUnique()
    {
        var ids = new string[8][];

        Parallel.For(0, ids.Length, thread => ids[thread] = [.. Enumerable.Range(0, 5_000).Select(_ => EntityId.New())]);

        ids.SelectMany(own => own).Distinct(StringComparer.Ordinal).Should().HaveCount(40_000);
    }

    [Fact]
    public void New_OneAfterAnother_SortsOrdinally()
    {
        var ids = Enumerable.Range(0, 5_000).Select(_ => EntityId.New()).ToList();

        ids.Should().BeInAscendingOrder(StringComparer.Ordinal);
    }

    [Fact]
    public void New_IsPlainTextOfOneLength()
    {
        var id = EntityId.New();

        id.Should().HaveLength(28).And.MatchRegex("^[0-9a-z-]+$");
    }

    [Fact]
    public void NumberOf_IdOfThisProcess_GivesBackItsText()
    {
        for (var i = 0; i < 100; i++)
        {
            var id = EntityId.New();

            EntityId.TextOf(EntityId.NumberOf(id)).Should().Be(id);
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("task")]
    [InlineData("0123456789abcdefgh-000000001")]
    public void NumberOf_IdMadeElsewhere_IsZero(string? id) => EntityId.NumberOf(id).Should().Be(0);

    [Theory]
    [InlineData('A')]
    [InlineData('u')]
    [InlineData('-')]
    [InlineData('\u00e9')]
    public void NumberOf_IdWithAnotherCharacter_IsZero(char other) =>
        EntityId.NumberOf(EntityId.New()[..^1] + other).Should().Be(0, "its text would not read the same");
}
