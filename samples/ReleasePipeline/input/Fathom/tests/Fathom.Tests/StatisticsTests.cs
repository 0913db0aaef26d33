namespace Fathom.Tests;

public class StatisticsTests
{
    private static readonly Quantity[] Legs = [Quantity.Parse("1 km"), Quantity.Parse("500 m"), Quantity.Parse("1.5 km")];

    [Fact]
    public void Sum_MixedUnits_IsInTheFirstUnit() => Assert.Equal("3.0 km", Statistics.Sum(Legs).ToString());

    [Fact]
    public void Mean_MixedUnits_IsSumByCount() => Assert.Equal(1m, Math.Round(Statistics.Mean(Legs).Amount, 10));

    [Fact]
    public void LongestUnitName_IsInUpperCase() => Assert.Equal("KILOMETRE", Statistics.LongestUnitName(Legs));
}
