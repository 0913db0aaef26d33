using Conductor.Threading;
using CsCheck;

namespace Conductor.Tests.Threading;

public sealed class SmallestFirstTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(64)]
    [InlineData(65)]
    [InlineData(4_096)]
    [InlineData(4_097)]
    [InlineData(300_000)]
    public void Bound_FirstAndLastNumber_AreTakenInOrder(int bound)
    {
        var numbers = new SmallestFirst(bound);
        numbers.IsEmpty.Should().BeTrue();

        numbers.Add(bound - 1);
        if (bound > 1)
        {
            numbers.Add(0);
            numbers.Take().Should().Be(0);
        }

        numbers.Take().Should().Be(bound - 1);
        numbers.IsEmpty.Should().BeTrue();
    }

    /// <summary>Whatever is added and taken in whatever order, it does what a sorted set does.</summary>
    [Fact]
    public void AddedAndTaken_IsAsASortedSet() => Gen.Select(Gen.Int[1, 5_000], Gen.Int[-5_000, 10_000].Array[0, 300]).Sample(static (bound, steps) =>
    {
        var numbers = new SmallestFirst(bound);
        var expected = new SortedSet<int>();
        foreach (var step in steps)
        {
            if (step >= 0 && expected.Add(step % bound))
            {
                numbers.Add(step % bound);
            }
            else if (step % 100 == 0)
            {
                numbers.Clear();
                expected.Clear();
            }
            else if (expected.Count > 0)
            {
                numbers.Take().Should().Be(expected.Min);
                expected.Remove(expected.Min);
            }

            numbers.IsEmpty.Should().Be(expected.Count == 0);
        }
    });
}
