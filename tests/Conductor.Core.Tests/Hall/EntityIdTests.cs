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
}
